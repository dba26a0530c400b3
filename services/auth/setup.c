#include "setup.h"

#include "token/token.h"
#include "workers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define HOUR_S 3600u
#define DAY_S 86400u

const char *const setup_keys[] = {
    "store",        "secret-file", "keys-file",        "issuer",       "audience", "token-hours",
    "refresh-days", "attempts",    "address-attempts", "lock-seconds", "threads",  NULL,
};

static const struct number {
    const char *key;
    size_t offset;
    uint32_t otherwise, least, most, unit;
} numbers[] = {
    {"token-hours", offsetof(struct setup, token_s), 24, 1, 720, HOUR_S},
    {"refresh-days", offsetof(struct setup, refresh_s), 30, 1, 3650, DAY_S},
    {"attempts", offsetof(struct setup, attempts), 5, 1, 1000, 1},
    {"address-attempts", offsetof(struct setup, address_attempts), 50, 1, 1000000, 1},
    {"lock-seconds", offsetof(struct setup, lock_ms), 300, 1, 86400, 1000},
    {"threads", offsetof(struct setup, threads), 2, 1, WORKERS_MAX, 1},
};

static int read_number(struct setup *setup, const struct number *number,
                       const struct module_env *env, struct module_error *why)
{
    const char *text = module_setting(env, number->key, NULL);
    unsigned long value = number->otherwise;
    char *end = NULL;
    if (text) {
        errno = 0;
        value = strtoul(text, &end, 10);
    }
    if (text && (errno != 0 || text[0] < '0' || text[0] > '9' || *end || value < number->least ||
                 value > number->most)) {
        (void)snprintf(why->text, sizeof why->text, "%s is a number from %u to %u", number->key,
                       number->least, number->most);
        return -EINVAL;
    }
    uint32_t scaled = (uint32_t)value * number->unit;
    memcpy((char *)setup + number->offset, &scaled, sizeof scaled);
    return 0;
}

int setup_read(struct setup *setup, const struct module_env *env, struct module_error *why)
{
    int rc = 0;
    *setup = (struct setup){
        .store = module_setting(env, "store", NULL),
        .secret_file = module_setting(env, "secret-file", NULL),
        .keys_file = module_setting(env, "keys-file", NULL),
        .issuer = module_setting(env, "issuer", NULL),
        .audience = module_setting(env, "audience", NULL),
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers && rc == 0; i++)
        rc = read_number(setup, &numbers[i], env, why);
    if (rc == 0 && !setup->store) {
        (void)snprintf(why->text, sizeof why->text, "--set auth.store=FOLDER is needed");
        rc = -EINVAL;
    }
    if (rc == 0 && !setup->secret_file == !setup->keys_file) {
        (void)snprintf(
            why->text, sizeof why->text,
            "--set auth.secret-file=FILE or auth.keys-file=FILE is needed, the broker's");
        rc = -EINVAL;
    }
    return rc;
}

struct token_key *setup_key(const struct setup *setup, struct module_error *why)
{
    struct token_key *key = NULL;
    char wrong[96] = "";
    const char *file = setup->keys_file ? setup->keys_file : setup->secret_file;
    int rc = setup->keys_file
                 ? token_key_load_set(&key, file, setup->issuer, setup->audience, wrong)
                 : token_key_load(&key, file, setup->issuer, setup->audience);
    if (rc == 0)
        return key;
    if (rc == -EINVAL && !setup->keys_file)
        (void)snprintf(wrong, sizeof wrong, "a secret has at least %u bytes", TOKEN_SECRET_MIN);
    (void)snprintf(why->text, sizeof why->text, "%s: %s", file,
                   rc == -EINVAL ? wrong : strerror(-rc));
    return NULL;
}

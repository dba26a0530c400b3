#include "config.h"

#include "config_key.h"
#include "config_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define DETAIL_BYTES 256u

_Static_assert(SETTINGS_COUNT <= SETTINGS_MAX, "libs/settings has no room");

static const struct setting setting_table[SETTINGS_COUNT] = {
#define SETTING(...) SETTING_ROW(struct settings, __VA_ARGS__)
#include "settings.def"
#undef SETTING
};

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static const char *address_defect(const char *address)
{
    const char *port = strrchr(address, ':');
    if (!port || strchr(address, '/'))
        return "is not HOST:PORT";
    size_t digits = strspn(port + 1, "0123456789");
    if (digits == 0 || digits > 5 || port[1 + digits] || strtoul(port + 1, NULL, 10) > 65535)
        return "has a port that is no number up to 65535";
    return NULL;
}

static const char *url_defect(const char *url)
{
    if (starts_with(url, "ipc://")) {
        size_t len = strlen(url + strlen("ipc://"));
        const struct sockaddr_un *un = NULL;
        return len == 0                     ? "has no path"
               : len >= sizeof un->sun_path ? "has a path too long for a socket"
                                            : NULL;
    }
    if (starts_with(url, "tcp://"))
        return address_defect(url + strlen("tcp://"));
    if (starts_with(url, "tls+tcp://"))
        return address_defect(url + strlen("tls+tcp://"));
    return "is not ipc://, tcp:// or tls+tcp://";
}

static int check_listen(const struct settings_loading *loading, const struct settings *s)
{
    for (size_t i = 0; i < s->listen.n; i++) {
        const char *url = s->listen.items[i];
        const char *defect = url_defect(url);
        if (defect)
            return settings_blame_item(loading, SETTING_listen, i, "\"%.128s\" %s", url, defect);
        if (starts_with(url, "tls+tcp://") && !*s->tls_cert_file)
            return settings_blame_item(loading, SETTING_listen, i, "\"%.128s\" needs tls-cert-file",
                                       url);
        for (size_t k = 0; k < i; k++)
            if (strcmp(url, s->listen.items[k]) == 0)
                return settings_blame_item(loading, SETTING_listen, i, "\"%.128s\" is there twice",
                                           url);
    }
    if (*s->tls_key_file && !*s->tls_cert_file)
        return settings_blame(loading, SETTING_tls_key_file, "is of no use without tls-cert-file");
    return 0;
}

static int check_present(const struct settings_loading *loading, const struct settings *s)
{
    size_t i = !s->listen.n           ? SETTING_listen
               : !*s->data            ? SETTING_data
               : !*config_key_path(s) ? SETTING_jwt_secret_file
                                      : SETTINGS_COUNT;
    if (i == SETTINGS_COUNT)
        return 0;
    return settings_missing(loading, i);
}

static int check_numbers(const struct settings_loading *loading, const struct settings *s)
{
    if (s->default_timeout_ms > s->max_timeout_ms)
        return settings_blame(
            loading, settings_stronger(loading, SETTING_default_timeout_ms, SETTING_max_timeout_ms),
            "leaves default-timeout-ms (%u) above max-timeout-ms (%u)", s->default_timeout_ms,
            s->max_timeout_ms);
    if (s->max_payload_bytes > s->outbox_bytes)
        return settings_blame(
            loading, settings_stronger(loading, SETTING_outbox_bytes, SETTING_max_payload_bytes),
            "leaves max-payload-bytes (%zu) above outbox-bytes (%zu)", s->max_payload_bytes,
            s->outbox_bytes);
    return 0;
}

static int check_policy(const struct settings_loading *loading, const struct settings *s)
{
    char why[DETAIL_BYTES];
    size_t culprit, item;
    if (config_policy_check(s, &culprit, &item, why, sizeof why) == 0)
        return 0;
    return settings_blame_item(loading, culprit, item, "%s", why);
}

static int check_key(const struct settings_loading *loading, const struct settings *s)
{
    struct token_key *key = NULL;
    char why[CONFIG_KEY_WHY_BYTES];
    if (*s->jwt_keys_file && *s->jwt_secret_file)
        return settings_blame(
            loading, settings_stronger(loading, SETTING_jwt_keys_file, SETTING_jwt_secret_file),
            "is there beside the other of jwt-secret-file and jwt-keys-file");
    int err = config_key_load(&key, s, why);
    token_key_destroy(key);
    if (!err)
        return 0;
    return settings_blame_file(loading,
                               *s->jwt_keys_file ? SETTING_jwt_keys_file : SETTING_jwt_secret_file,
                               config_key_path(s), err, why);
}

static int check(const struct settings_loading *loading, const void *settings)
{
    const struct settings *s = settings;
    int code = check_present(loading, s);
    if (!code)
        code = check_listen(loading, s);
    if (!code)
        code = check_numbers(loading, s);
    if (!code)
        code = check_policy(loading, s);
    if (!code)
        code = check_key(loading, s);
    if (!code)
        code = settings_check_readable(loading, SETTING_tls_cert_file, s->tls_cert_file);
    if (!code)
        code = settings_check_readable(loading, SETTING_tls_key_file, s->tls_key_file);
    if (!code)
        code = settings_check_readable(loading, SETTING_health_ca_file, s->health_ca_file);
    return code;
}

const struct settings_program config_program = {.name = "fareboxd",
                                                .env_prefix = "FAREBOX_",
                                                .table = setting_table,
                                                .n = SETTINGS_COUNT,
                                                .size = sizeof(struct settings),
                                                .help_head = config_help_head,
                                                .help_tail = config_help_tail,
                                                .manual_head = config_manual_head,
                                                .check = check};

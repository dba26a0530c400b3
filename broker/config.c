#include "config.h"

#include "config_key.h"
#include "config_table.h"

#include "base/mem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#define DETAIL_BYTES 256u

/* Where a value came from, so that a complaint can say it. */
struct origin {
    enum { FROM_DEFAULT, FROM_FILE, FROM_ENVIRONMENT, FROM_FLAG } source;
    unsigned line;
};

struct loader {
    struct settings settings;
    struct origin origins[SETTINGS_COUNT];
    char *why;
    size_t why_len;
};

/* ---- complaints ---- */

/* "fareboxd.yaml:7: max-calls", "FAREBOX_MAX_CALLS", "--max-calls" or "max-calls". */
static void name_culprit(const struct loader *loader, size_t i, char *out, size_t out_len)
{
    const char *key = setting_table[i].key;
    char env[SETTING_ENV_BYTES];
    switch (loader->origins[i].source) {
    case FROM_FILE:
        snprintf(out, out_len, "%s:%u: %s", loader->settings.config_file, loader->origins[i].line,
                 key);
        break;
    case FROM_ENVIRONMENT:
        setting_env_name(&setting_table[i], env);
        snprintf(out, out_len, "%s", env);
        break;
    case FROM_FLAG:
        snprintf(out, out_len, "--%s", key);
        break;
    case FROM_DEFAULT:
        snprintf(out, out_len, "%s", key);
        break;
    }
}

/* What is wrong with one setting; returns the exit code that fits where it was set. */
__attribute__((format(printf, 3, 4))) static int blame(const struct loader *loader, size_t i,
                                                       const char *format, ...)
{
    char culprit[CONFIG_WHY_BYTES], detail[DETAIL_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    name_culprit(loader, i, culprit, sizeof culprit);
    snprintf(loader->why, loader->why_len, "%s %s", culprit, detail);
    bool usage = loader->origins[i].source == FROM_FLAG && loader->settings.action != CONFIG_CHECK;
    return usage ? EX_USAGE : EX_CONFIG;
}

static int set(struct loader *loader, size_t i, struct origin origin, const char *text)
{
    char detail[DETAIL_BYTES];
    const struct setting *setting = &setting_table[i];
    /* A list from a stronger source replaces the weaker one's as a whole. */
    if (setting->kind == KIND_LIST && loader->origins[i].source != origin.source)
        setting_clear(setting, &loader->settings);
    loader->origins[i] = origin;
    if (setting_assign(setting, &loader->settings, text, detail, sizeof detail) == 0)
        return 0;
    return blame(loader, i, "%s", detail);
}

/* ---- sources, weakest first ---- */

static int set_defaults(struct loader *loader)
{
    const struct origin origin = {.source = FROM_DEFAULT};
    int code = 0;
    for (size_t i = 0; i < SETTINGS_COUNT && !code; i++) {
        if (setting_table[i].kind != KIND_LIST)
            code = set(loader, i, origin, setting_table[i].value);
    }
    return code;
}

static int set_from_file(struct loader *loader)
{
    struct config_file file;
    if (!loader->settings.config_file)
        return 0;
    int err = config_file_read(&file, loader->settings.config_file, loader->why, loader->why_len);
    if (err)
        return err == -EINVAL ? EX_CONFIG : EX_NOINPUT;
    int code = 0;
    for (size_t i = 0; i < SETTINGS_COUNT && !code; i++) {
        const struct origin origin = {.source = FROM_FILE, .line = file.lines[i]};
        const struct config_file_value *value = &file.values[i];
        if (value->text)
            code = set(loader, i, origin, value->text);
        for (uint32_t item = 0; item < value->n_items && !code; item++)
            code = set(loader, i, origin, value->items[item]);
    }
    config_file_finish(&file);
    return code;
}

/* In the environment a list is separated by commas. */
static int set_items(struct loader *loader, size_t i, struct origin origin, const char *text)
{
    int code = 0;
    char *copy = mem_strdup(text);
    for (char *item = copy, *end; item && !code; item = end) {
        end = strchr(item, ',');
        if (end)
            *end++ = '\0';
        code = set(loader, i, origin, item);
    }
    mem_free(copy);
    return code;
}

static int set_from_environment(struct loader *loader)
{
    const struct origin origin = {.source = FROM_ENVIRONMENT};
    int code = 0;
    for (size_t i = 0; i < SETTINGS_COUNT && !code; i++) {
        char name[SETTING_ENV_BYTES];
        setting_env_name(&setting_table[i], name);
        const char *text = getenv(name);
        if (!text || !*text)
            continue;
        code = setting_table[i].kind == KIND_LIST ? set_items(loader, i, origin, text)
                                                  : set(loader, i, origin, text);
    }
    return code;
}

/* ---- the command line ---- */

static const struct {
    const char *flag;
    enum config_action action;
} action_flags[] = {
    {"--help", CONFIG_HELP},          {"-h", CONFIG_HELP},
    {"--version", CONFIG_VERSION},    {"--check-config", CONFIG_CHECK},
    {"--print-config", CONFIG_PRINT}, {"--print-manual", CONFIG_MANUAL},
};

/* One argument taken apart: "--key=value" or "--key value". */
struct flag {
    const char *name; /* without dashes */
    size_t name_len;
    const char *value; /* NULL: none */
};

static bool is_action(const char *arg, enum config_action *action)
{
    for (size_t i = 0; i < sizeof action_flags / sizeof action_flags[0]; i++) {
        if (strcmp(arg, action_flags[i].flag) == 0) {
            *action = action_flags[i].action;
            return true;
        }
    }
    return false;
}

/* Returns how many arguments it is made of. */
static int take_flag(struct flag *flag, int argc, char **argv, int at)
{
    const char *equals = strchr(argv[at], '=');
    flag->name = argv[at] + 2;
    flag->name_len = equals ? (size_t)(equals - flag->name) : strlen(flag->name);
    flag->value = equals ? equals + 1 : at + 1 < argc ? argv[at + 1] : NULL;
    return equals ? 1 : 2;
}

static size_t flag_setting(const struct flag *flag)
{
    size_t i = 0;
    while (i < SETTINGS_COUNT &&
           !slice_equal(slice_make(flag->name, flag->name_len), slice_of(setting_table[i].key)))
        i++;
    return i;
}

/* Only the name is repeated: what follows may be a secret typed in the wrong place. */
static int misused(const struct loader *loader, const char *problem, const char *arg)
{
    int len = (int)strcspn(arg, "=");
    snprintf(loader->why, loader->why_len, "%s \"%.*s\"; see --help", problem, len > 64 ? 64 : len,
             arg);
    return EX_USAGE;
}

/* The command line is read twice: for what to do and which file to read, which is the weakest
 * source, then for the settings, which are the strongest. */
enum pass { PASS_ACTIONS, PASS_SETTINGS };

static int use_flag(struct loader *loader, const struct flag *flag, const char *arg, enum pass pass)
{
    bool is_config = slice_is(slice_make(flag->name, flag->name_len), "config");
    size_t i = flag_setting(flag);
    if (!is_config && i == SETTINGS_COUNT)
        return misused(loader, "unknown option", arg);
    if (!flag->value)
        return misused(loader, "no value for", arg);
    if (is_config && pass == PASS_ACTIONS) {
        mem_free(loader->settings.config_file);
        loader->settings.config_file = mem_strdup(flag->value);
    }
    if (is_config || pass == PASS_ACTIONS)
        return 0;
    return set(loader, i, (struct origin){.source = FROM_FLAG}, flag->value);
}

static int read_flags(struct loader *loader, int argc, char **argv, enum pass pass)
{
    int code = 0;
    for (int at = 1; at < argc && !code;) {
        struct flag flag;
        if (is_action(argv[at], &loader->settings.action)) {
            at++;
            continue;
        }
        if (strncmp(argv[at], "--", 2) != 0)
            return misused(loader, "unexpected argument", argv[at]);
        const char *arg = argv[at];
        at += take_flag(&flag, argc, argv, at);
        code = use_flag(loader, &flag, arg, pass);
    }
    return code;
}

/* ---- whether it makes sense ---- */

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

static int check_listen(const struct loader *loader)
{
    const struct settings *s = &loader->settings;
    for (size_t i = 0; i < s->listen.n; i++) {
        const char *url = s->listen.items[i];
        const char *defect = url_defect(url);
        if (defect)
            return blame(loader, SETTING_listen, "\"%.128s\" %s", url, defect);
        if (starts_with(url, "tls+tcp://") && !*s->tls_cert_file)
            return blame(loader, SETTING_listen, "\"%.128s\" needs tls-cert-file", url);
        for (size_t k = 0; k < i; k++)
            if (strcmp(url, s->listen.items[k]) == 0)
                return blame(loader, SETTING_listen, "\"%.128s\" is there twice", url);
    }
    if (*s->tls_key_file && !*s->tls_cert_file)
        return blame(loader, SETTING_tls_key_file, "is of no use without tls-cert-file");
    return 0;
}

static int check_present(const struct loader *loader)
{
    const struct settings *s = &loader->settings;
    size_t i = !s->listen.n           ? SETTING_listen
               : !*s->data            ? SETTING_data
               : !*config_key_path(s) ? SETTING_jwt_secret_file
                                      : SETTINGS_COUNT;
    if (i == SETTINGS_COUNT)
        return 0;
    char env[SETTING_ENV_BYTES];
    setting_env_name(&setting_table[i], env);
    snprintf(loader->why, loader->why_len,
             "%s%s%s is not set; give --%s %s, %s or a line in the file",
             s->config_file ? s->config_file : "", s->config_file ? ": " : "", setting_table[i].key,
             setting_table[i].key, setting_table[i].unit, env);
    return s->config_file || s->action == CONFIG_CHECK ? EX_CONFIG : EX_USAGE;
}

/* Of two settings that contradict each other the one set more strongly is to blame. */
static size_t stronger(const struct loader *loader, size_t a, size_t b)
{
    return loader->origins[a].source >= loader->origins[b].source ? a : b;
}

static int check_numbers(const struct loader *loader)
{
    const struct settings *s = &loader->settings;
    if (s->default_timeout_ms > s->max_timeout_ms)
        return blame(loader, stronger(loader, SETTING_default_timeout_ms, SETTING_max_timeout_ms),
                     "leaves default-timeout-ms (%u) above max-timeout-ms (%u)",
                     s->default_timeout_ms, s->max_timeout_ms);
    if (s->max_payload_bytes > s->outbox_bytes)
        return blame(loader, stronger(loader, SETTING_outbox_bytes, SETTING_max_payload_bytes),
                     "leaves max-payload-bytes (%zu) above outbox-bytes (%zu)",
                     s->max_payload_bytes, s->outbox_bytes);
    return 0;
}

static int check_policy(const struct loader *loader)
{
    char why[DETAIL_BYTES];
    size_t culprit;
    if (config_policy_check(&loader->settings, &culprit, why, sizeof why) == 0)
        return 0;
    return blame(loader, culprit, "%s", why);
}

/* What a file holds is configuration, whoever named the file; -EINVAL says that of it. */
static int blame_file(const struct loader *loader, size_t i, const char *path, int err,
                      const char *problem)
{
    blame(loader, i, "\"%.128s\": %s", path, problem);
    return err == -EINVAL ? EX_CONFIG : EX_NOINPUT;
}

static int check_key(const struct loader *loader)
{
    const struct settings *s = &loader->settings;
    struct token_key *key = NULL;
    char why[CONFIG_KEY_WHY_BYTES];
    if (*s->jwt_keys_file && *s->jwt_secret_file)
        return blame(loader, stronger(loader, SETTING_jwt_keys_file, SETTING_jwt_secret_file),
                     "is there beside the other of jwt-secret-file and jwt-keys-file");
    int err = config_key_load(&key, s, why);
    token_key_destroy(key);
    return err ? blame_file(loader,
                            *s->jwt_keys_file ? SETTING_jwt_keys_file : SETTING_jwt_secret_file,
                            config_key_path(s), err, why)
               : 0;
}

static int check_readable(const struct loader *loader, size_t i, const char *path)
{
    if (!*path || access(path, R_OK) == 0)
        return 0;
    return blame_file(loader, i, path, -errno, strerror(errno));
}

static int check(const struct loader *loader)
{
    const struct settings *s = &loader->settings;
    int code = check_present(loader);
    if (!code)
        code = check_listen(loader);
    if (!code)
        code = check_numbers(loader);
    if (!code)
        code = check_policy(loader);
    if (!code)
        code = check_key(loader);
    if (!code)
        code = check_readable(loader, SETTING_tls_cert_file, s->tls_cert_file);
    if (!code)
        code = check_readable(loader, SETTING_tls_key_file, s->tls_key_file);
    return code;
}

/* ---- the whole ---- */

static bool needs_sources(enum config_action action)
{
    return action == CONFIG_RUN || action == CONFIG_CHECK || action == CONFIG_PRINT;
}

static int load(struct loader *loader, int argc, char **argv)
{
    const char *file = getenv("FAREBOX_CONFIG");
    loader->settings.config_file = file && *file ? mem_strdup(file) : NULL;
    int code = set_defaults(loader);
    if (!code)
        code = read_flags(loader, argc, argv, PASS_ACTIONS);
    if (code || !needs_sources(loader->settings.action))
        return code;
    code = set_from_file(loader);
    if (!code)
        code = set_from_environment(loader);
    if (!code)
        code = read_flags(loader, argc, argv, PASS_SETTINGS);
    if (!code && loader->settings.action != CONFIG_PRINT)
        code = check(loader);
    return code;
}

int config_load(struct settings *out, int argc, char **argv, char *why, size_t why_len)
{
    struct loader loader = {.why = why, .why_len = why_len};
    int code = load(&loader, argc, argv);
    if (code)
        settings_finish(&loader.settings);
    else
        *out = loader.settings;
    return code;
}

void settings_finish(struct settings *settings)
{
    if (!settings)
        return;
    for (size_t i = 0; i < SETTINGS_COUNT; i++)
        setting_clear(&setting_table[i], settings);
    mem_free(settings->config_file);
    settings->config_file = NULL;
}

static void add_name(char *names, size_t size, const char *key)
{
    size_t len = strlen(names);
    snprintf(names + len, size - len, "%s%s", len ? ", " : "", key);
}

void settings_adopt(struct settings *current, struct settings *fresh,
                    struct config_changes *changes)
{
    memset(changes, 0, sizeof *changes);
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        const struct setting *setting = &setting_table[i];
        if (setting_equal(setting, current, fresh))
            continue;
        if (setting->live)
            setting_swap(setting, current, fresh);
        add_name(setting->live ? changes->live : changes->restart, sizeof changes->live,
                 setting->key);
    }
    settings_finish(fresh);
}

int config_act(const struct settings *settings, FILE *out)
{
    switch (settings->action) {
    case CONFIG_HELP:
        config_write_help(out);
        break;
    case CONFIG_VERSION:
        fputs("fareboxd " FAREBOX_VERSION "\n", out);
        break;
    case CONFIG_PRINT:
        config_write_settings(settings, out);
        break;
    case CONFIG_MANUAL:
        config_write_manual(out);
        break;
    case CONFIG_CHECK:
        fputs("configuration ok\n", out);
        break;
    case CONFIG_RUN:
        break;
    }
    return fflush(out) == 0 ? 0 : EX_IOERR;
}

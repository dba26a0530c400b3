/* flags.c - the command line. */
#include "settings/loading.h"

#include "base/mem.h"
#include "base/slice.h"

#include <string.h>
#include <sysexits.h>

static const struct {
    const char *flag;
    enum settings_action action;
} action_flags[] = {
    {"--help", SETTINGS_HELP},          {"-h", SETTINGS_HELP},
    {"--version", SETTINGS_VERSION},    {"--check-config", SETTINGS_CHECK},
    {"--print-config", SETTINGS_PRINT}, {"--print-manual", SETTINGS_MANUAL},
};

/* One argument taken apart: "--key=value" or "--key value". */
struct flag {
    const char *name; /* without dashes */
    size_t name_len;
    const char *value; /* NULL: none */
};

static bool is_action(const char *arg, enum settings_action *action)
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

static size_t flag_setting(const struct settings_loading *loading, const struct flag *flag)
{
    size_t i = 0;
    while (i < loading->program->n && !slice_equal(slice_make(flag->name, flag->name_len),
                                                   slice_of(loading->program->table[i].key)))
        i++;
    return i;
}

/* Only the name is repeated: what follows may be a secret typed in the wrong place. */
static int misused(const struct settings_loading *loading, const char *problem, const char *arg)
{
    int len = (int)strcspn(arg, "=");
    snprintf(loading->why, SETTINGS_WHY_BYTES, "%s \"%.*s\"; see --help", problem,
             len > 64 ? 64 : len, arg);
    return EX_USAGE;
}

static int use_flag(struct settings_loading *loading, const struct flag *flag, const char *arg,
                    enum settings_pass pass)
{
    bool is_config = slice_is(slice_make(flag->name, flag->name_len), "config");
    size_t i = flag_setting(loading, flag);
    if (!is_config && i == loading->program->n)
        return misused(loading, "unknown option", arg);
    if (!flag->value)
        return misused(loading, "no value for", arg);
    if (is_config && pass == PASS_ACTIONS) {
        mem_free(loading->settings->config_file);
        loading->settings->config_file = mem_strdup(flag->value);
    }
    if (is_config || pass == PASS_ACTIONS)
        return 0;
    return settings_set(loading, i, (struct settings_origin){.source = FROM_FLAG}, flag->value);
}

int settings_read_flags(struct settings_loading *loading, int argc, char **argv,
                        enum settings_pass pass)
{
    int code = 0;
    for (int at = 1; at < argc && !code;) {
        struct flag flag;
        if (is_action(argv[at], &loading->settings->action)) {
            at++;
            continue;
        }
        if (strncmp(argv[at], "--", 2) != 0)
            return misused(loading, "unexpected argument", argv[at]);
        const char *arg = argv[at];
        at += take_flag(&flag, argc, argv, at);
        code = use_flag(loading, &flag, arg, pass);
    }
    return code;
}

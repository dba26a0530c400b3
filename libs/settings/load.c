/* load.c - settings from their sources, the weakest first. */
#include "settings/file.h"
#include "settings/loading.h"
#include "settings/value.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define DETAIL_BYTES 256u

int settings_set(struct settings_loading *loading, size_t i, struct settings_origin origin,
                 const char *text)
{
    char detail[DETAIL_BYTES];
    const struct setting *setting = &loading->program->table[i];
    /* A list from a stronger source replaces the weaker one's as a whole. */
    if (setting->kind == KIND_LIST && loading->origins[i].source != origin.source)
        setting_clear(setting, loading->settings);
    loading->origins[i] = origin;
    if (setting_assign(setting, loading->settings, text, detail, sizeof detail) == 0)
        return 0;
    return settings_blame(loading, i, "%s", detail);
}

static int set_defaults(struct settings_loading *loading)
{
    const struct settings_origin origin = {.source = FROM_DEFAULT};
    int code = 0;
    for (size_t i = 0; i < loading->program->n && !code; i++) {
        if (loading->program->table[i].kind != KIND_LIST)
            code = settings_set(loading, i, origin, loading->program->table[i].value);
    }
    return code;
}

/* Each item while it is set is where it stands, then the list is where its key stands. */
static int set_file_items(struct settings_loading *loading, size_t i, struct settings_origin origin,
                          const struct settings_file_value *value)
{
    const unsigned *lines = loading->item_lines[i];
    int code = 0;
    for (uint32_t item = 0; item < value->n_items && !code; item++) {
        const struct settings_origin its = {.source = FROM_FILE,
                                            .line = lines ? lines[item] : origin.line};
        code = settings_set(loading, i, its, value->items[item]);
    }
    if (value->n_items > 0)
        loading->origins[i] = origin;
    return code;
}

static int set_from_file(struct settings_loading *loading)
{
    struct settings_file file;
    if (!loading->settings->config_file)
        return 0;
    int err = settings_file_read(loading->program, &file, loading->settings->config_file,
                                 loading->why, SETTINGS_WHY_BYTES);
    if (err)
        return err == -EINVAL ? EX_CONFIG : EX_NOINPUT;
    int code = 0;
    for (size_t i = 0; i < loading->program->n && !code; i++) {
        const struct settings_origin origin = {.source = FROM_FILE, .line = file.lines[i]};
        const struct settings_file_value *value = &file.values[i];
        if (value->text)
            code = settings_set(loading, i, origin, value->text);
        loading->item_lines[i] = file.item_lines[i];
        file.item_lines[i] = NULL;
        if (!code)
            code = set_file_items(loading, i, origin, value);
    }
    settings_file_finish(loading->program, &file);
    return code;
}

/* In the environment a list is separated by commas. */
static int set_items(struct settings_loading *loading, size_t i, struct settings_origin origin,
                     const char *text)
{
    int code = 0;
    char *copy = mem_strdup(text);
    for (char *item = copy, *end; item && !code; item = end) {
        end = strchr(item, ',');
        if (end)
            *end++ = '\0';
        code = settings_set(loading, i, origin, item);
    }
    mem_free(copy);
    return code;
}

static int set_from_environment(struct settings_loading *loading)
{
    const struct settings_origin origin = {.source = FROM_ENVIRONMENT};
    int code = 0;
    for (size_t i = 0; i < loading->program->n && !code; i++) {
        char name[SETTING_ENV_BYTES];
        setting_env_name(loading->program, &loading->program->table[i], name);
        const char *text = getenv(name);
        if (!text || !*text)
            continue;
        code = loading->program->table[i].kind == KIND_LIST
                   ? set_items(loading, i, origin, text)
                   : settings_set(loading, i, origin, text);
    }
    return code;
}

/* ---- the whole ---- */

static bool needs_sources(enum settings_action action)
{
    return action == SETTINGS_RUN || action == SETTINGS_CHECK || action == SETTINGS_PRINT;
}

static const char *named_file(const struct settings_program *program)
{
    char name[SETTING_ENV_BYTES];
    snprintf(name, sizeof name, "%sCONFIG", program->env_prefix);
    const char *file = getenv(name);
    return file && *file ? file : NULL;
}

static int load(struct settings_loading *loading, int argc, char **argv)
{
    const char *file = named_file(loading->program);
    loading->settings->config_file = file ? mem_strdup(file) : NULL;
    int code = set_defaults(loading);
    if (!code)
        code = settings_read_flags(loading, argc, argv, PASS_ACTIONS);
    if (code || !needs_sources(loading->settings->action))
        return code;
    code = set_from_file(loading);
    if (!code)
        code = set_from_environment(loading);
    if (!code)
        code = settings_read_flags(loading, argc, argv, PASS_SETTINGS);
    if (!code && loading->settings->action != SETTINGS_PRINT)
        code = loading->program->check(loading, loading->settings);
    return code;
}

int settings_load(const struct settings_program *program, void *out, int argc, char **argv,
                  char why[SETTINGS_WHY_BYTES])
{
    struct settings_loading loading = {
        .program = program, .settings = mem_zalloc(program->size), .why = why};
    int code = load(&loading, argc, argv);
    if (code)
        settings_free(program, loading.settings);
    else
        memcpy(out, loading.settings, program->size);
    for (size_t i = 0; i < program->n; i++)
        mem_free(loading.item_lines[i]);
    mem_free(loading.settings);
    return code;
}

void settings_free(const struct settings_program *program, void *settings)
{
    struct settings_head *head = settings;
    if (!settings)
        return;
    for (size_t i = 0; i < program->n; i++)
        setting_clear(&program->table[i], settings);
    mem_free(head->config_file);
    head->config_file = NULL;
}

static void add_name(char *names, size_t size, const char *key)
{
    size_t len = strlen(names);
    snprintf(names + len, size - len, "%s%s", len ? ", " : "", key);
}

void settings_take(const struct settings_program *program, void *current, void *fresh,
                   struct settings_changes *changes)
{
    memset(changes, 0, sizeof *changes);
    for (size_t i = 0; i < program->n; i++) {
        const struct setting *setting = &program->table[i];
        if (setting_equal(setting, current, fresh))
            continue;
        if (setting->live)
            setting_swap(setting, current, fresh);
        add_name(setting->live ? changes->live : changes->restart, sizeof changes->live,
                 setting->key);
    }
    settings_free(program, fresh);
}

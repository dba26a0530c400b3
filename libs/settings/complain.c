/* complain.c - what is wrong with a setting, in words that say where it was set. */
#include "settings/loading.h"
#include "settings/value.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define DETAIL_BYTES 224u
#define CULPRIT_BYTES 280u

/* "fareboxd.yaml:7: max-calls", "FAREBOX_MAX_CALLS", "--max-calls" or "max-calls". */
static void name_culprit(const struct settings_loading *loading, size_t i, unsigned line, char *out,
                         size_t out_len)
{
    const char *key = loading->program->table[i].key;
    char env[SETTING_ENV_BYTES];
    switch (loading->origins[i].source) {
    case FROM_FILE:
        snprintf(out, out_len, "%s:%u: %s", loading->settings->config_file, line, key);
        break;
    case FROM_ENVIRONMENT:
        setting_env_name(loading->program, &loading->program->table[i], env);
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

__attribute__((format(printf, 4, 0))) static int blame(const struct settings_loading *loading,
                                                       size_t i, unsigned line, const char *format,
                                                       va_list args)
{
    char culprit[CULPRIT_BYTES], detail[DETAIL_BYTES];
    vsnprintf(detail, sizeof detail, format, args);
    name_culprit(loading, i, line, culprit, sizeof culprit);
    snprintf(loading->why, SETTINGS_WHY_BYTES, "%s %s", culprit, detail);
    bool usage =
        loading->origins[i].source == FROM_FLAG && loading->settings->action != SETTINGS_CHECK;
    return usage ? EX_USAGE : EX_CONFIG;
}

int settings_blame(const struct settings_loading *loading, size_t i, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int code = blame(loading, i, loading->origins[i].line, format, args);
    va_end(args);
    return code;
}

int settings_blame_item(const struct settings_loading *loading, size_t i, size_t item,
                        const char *format, ...)
{
    const unsigned *lines = item == SIZE_MAX ? NULL : loading->item_lines[i];
    bool known = lines && loading->origins[i].source == FROM_FILE;
    va_list args;
    va_start(args, format);
    int code = blame(loading, i, known ? lines[item] : loading->origins[i].line, format, args);
    va_end(args);
    return code;
}

int settings_blame_file(const struct settings_loading *loading, size_t i, const char *path, int err,
                        const char *problem)
{
    settings_blame(loading, i, "\"%.128s\": %s", path, problem);
    return err == -EINVAL ? EX_CONFIG : EX_NOINPUT;
}

int settings_check_readable(const struct settings_loading *loading, size_t i, const char *path)
{
    if (!*path || access(path, R_OK) == 0)
        return 0;
    return settings_blame_file(loading, i, path, -errno, strerror(errno));
}

int settings_missing(const struct settings_loading *loading, size_t i)
{
    char env[SETTING_ENV_BYTES];
    const char *file = loading->settings->config_file;
    const struct setting *setting = &loading->program->table[i];
    setting_env_name(loading->program, setting, env);
    snprintf(loading->why, SETTINGS_WHY_BYTES,
             "%s%s%s is not set; give --%s %s, %s or a line in the file", file ? file : "",
             file ? ": " : "", setting->key, setting->key, setting->unit, env);
    return file || loading->settings->action == SETTINGS_CHECK ? EX_CONFIG : EX_USAGE;
}

size_t settings_stronger(const struct settings_loading *loading, size_t a, size_t b)
{
    return loading->origins[a].source >= loading->origins[b].source ? a : b;
}

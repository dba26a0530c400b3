/* help.c - what a program says of its settings. */
#include "settings/loading.h"
#include "settings/value.h"

#include <inttypes.h>
#include <sysexits.h>

static bool has_default(const struct setting *setting)
{
    return *setting->value;
}

void settings_write_help(const struct settings_program *program, FILE *out)
{
    fputs(program->help_head, out);
    for (size_t i = 0; i < program->n; i++) {
        const struct setting *setting = &program->table[i];
        fprintf(out, "  --%s %s\n        %s", setting->key, setting->unit, setting->doc);
        if (has_default(setting))
            fprintf(out, " (default %s)", setting->value);
        fputc('\n', out);
    }
    fputs(program->help_tail, out);
}

static void write_range(const struct setting *setting, FILE *out)
{
    if (setting->kind == KIND_NUMBER || setting->kind == KIND_BYTES)
        fprintf(out, "%s, %" PRIu64 " to %" PRIu64, setting->unit, setting->min, setting->max);
    else if (setting->kind == KIND_LIST)
        fprintf(out, "list of %s", setting->unit);
    else
        fputs(setting->unit, out);
}

void settings_write_manual(const struct settings_program *program, FILE *out)
{
    fputs(program->manual_head, out);
    for (size_t i = 0; i < program->n; i++) {
        const struct setting *setting = &program->table[i];
        fprintf(out, "| `%s` | ", setting->key);
        write_range(setting, out);
        fprintf(out, " | %s | %s | %s |\n", has_default(setting) ? setting->value : "",
                setting->live ? "live" : "restart", setting->doc);
    }
}

static void write_settings(const struct settings_program *program, const void *settings, FILE *out)
{
    for (size_t i = 0; i < program->n; i++)
        setting_write(&program->table[i], settings, out);
}

int settings_act(const struct settings_program *program, const void *settings, FILE *out)
{
    const struct settings_head *head = settings;
    switch (head->action) {
    case SETTINGS_HELP:
        settings_write_help(program, out);
        break;
    case SETTINGS_VERSION:
        fprintf(out, "%s " FAREBOX_VERSION "\n", program->name);
        break;
    case SETTINGS_PRINT:
        write_settings(program, settings, out);
        break;
    case SETTINGS_MANUAL:
        settings_write_manual(program, out);
        break;
    case SETTINGS_CHECK:
        fputs("configuration ok\n", out);
        break;
    case SETTINGS_RUN:
        break;
    }
    return fflush(out) == 0 ? 0 : EX_IOERR;
}

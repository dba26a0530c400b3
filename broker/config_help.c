#include "config_table.h"

#include <inttypes.h>

static const char *const help_head =
    "usage: fareboxd [--config FILE] [--OPTION VALUE]...\n"
    "       fareboxd --listen URL [--listen URL]... --data DIR --jwt-secret-file FILE\n"
    "\n"
    "The Farebox message bus broker. Settings come from the YAML file, the environment\n"
    "(FAREBOX_ and the name in capitals) and the options below; later ones win.\n"
    "\n"
    "  --config FILE\n"
    "        YAML file of settings (also FAREBOX_CONFIG)\n"
    "  --check-config\n"
    "        read everything, the secret too, say whether it is sound, and leave\n"
    "  --print-config\n"
    "        print the settings in force as YAML, and leave\n"
    "  --print-manual\n"
    "        print docs/configuration.md, and leave\n"
    "  --help, --version\n"
    "\n";

static const char *const help_tail =
    "\n"
    "Signals: SIGTERM and SIGINT drain and stop; SIGHUP reads the settings and the secret again.\n"
    "Exit codes: 0 stopped as asked, 64 wrong usage, 66 a named file cannot be read, 69 cannot\n"
    "listen, 73 no data folder or store, 78 wrong configuration, others from sysexits.\n";

static bool has_default(const struct setting *setting)
{
    return *setting->value;
}

void config_write_help(FILE *out)
{
    fputs(help_head, out);
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        const struct setting *setting = &setting_table[i];
        fprintf(out, "  --%s %s\n        %s", setting->key, setting->unit, setting->doc);
        if (has_default(setting))
            fprintf(out, " (default %s)", setting->value);
        fputc('\n', out);
    }
    fputs(help_tail, out);
}

void config_write_settings(const struct settings *settings, FILE *out)
{
    for (size_t i = 0; i < SETTINGS_COUNT; i++)
        setting_write(&setting_table[i], settings, out);
}

static const char *const manual_head =
    "# Configuration\n"
    "\n"
    "<!-- Written by `fareboxd --print-manual` from broker/settings.def; edit that. -->\n"
    "\n"
    "`fareboxd` needs no file: `fareboxd --listen URL [--listen URL]... --data DIR\n"
    "--jwt-secret-file FILE` is enough. Otherwise settings come from three places, later\n"
    "ones win:\n"
    "\n"
    "1. the YAML file named by `--config FILE` or `FAREBOX_CONFIG`: a flat mapping, `name:\n"
    "   value`; `listen` is a list. Unknown and repeated names are errors;\n"
    "2. the environment: `FAREBOX_` and the name in capitals with `_` for `-`, such as\n"
    "   `FAREBOX_MAX_CALLS`; `FAREBOX_LISTEN` is separated by commas; empty means not set;\n"
    "3. flags: `--name VALUE` or `--name=VALUE`; `--listen` may be repeated.\n"
    "\n"
    "`--check-config` reads everything, the secret and the TLS files too, and says\n"
    "`configuration ok` or what is wrong and in which line; `--print-config` prints the\n"
    "settings in force as YAML.\n"
    "\n"
    "On SIGHUP the broker reads its settings and the secret again. Settings marked *live*\n"
    "are in force at once; it names the others that changed, which need a restart. If\n"
    "anything is wrong it says so (`reload.refused`) and goes on as before. The service\n"
    "manager hears RELOADING=1 and then READY=1 either way.\n"
    "\n"
    "With another secret (`secret=rotated` in the log) new sessions and one-shots need tokens\n"
    "signed with it. Sessions that are open go on under the token they showed, until that one\n"
    "ends; sealed contexts are not affected. To put holders of the old secret out at once,\n"
    "restart the broker. Exactly one of `jwt-secret-file` and `jwt-keys-file` is set; the latter\n"
    "lets an old key and a new one hold side by side (docs/tokens.md).\n"
    "\n"
    "| exit code | |\n"
    "|---|---|\n"
    "| 0 | stopped as asked |\n"
    "| 64 | wrong usage of the command line |\n"
    "| 66 | a file that a setting or `--config` names cannot be read |\n"
    "| 69 | an address cannot be listened on: it is taken, or its certificate is no use |\n"
    "| 70 | the registry's records cannot be read |\n"
    "| 71 | the system refuses random bytes, signals or a thread |\n"
    "| 73 | the data folder or the store cannot be made or opened, or another broker has it |\n"
    "| 74 | what was asked for cannot be printed |\n"
    "| 78 | wrong configuration: the file, the environment or what a named file holds |\n"
    "\n"
    "| setting | value | default | reload | meaning |\n"
    "|---|---|---|---|---|\n";

static void write_range(const struct setting *setting, FILE *out)
{
    if (setting->kind == KIND_NUMBER || setting->kind == KIND_BYTES)
        fprintf(out, "%s, %" PRIu64 " to %" PRIu64, setting->unit, setting->min, setting->max);
    else if (setting->kind == KIND_LIST)
        fprintf(out, "list of %s", setting->unit);
    else
        fputs(setting->unit, out);
}

void config_write_manual(FILE *out)
{
    fputs(manual_head, out);
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        const struct setting *setting = &setting_table[i];
        fprintf(out, "| `%s` | ", setting->key);
        write_range(setting, out);
        fprintf(out, " | %s | %s | %s |\n", has_default(setting) ? setting->value : "",
                setting->live ? "live" : "restart", setting->doc);
    }
}

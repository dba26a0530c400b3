/* config.h - the broker's settings: file < environment < flags, from the one
 * table in settings.def. Not for the core: it is handed a struct settings. */
#ifndef BROKER_CONFIG_H
#define BROKER_CONFIG_H

#include "base/log.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CONFIG_WHY_BYTES 512u /* enough room for any explanation */

struct text_list {
    char **items;
    size_t n;
};

/* What the command line asks for besides settings. */
enum config_action {
    CONFIG_RUN,
    CONFIG_CHECK,   /* --check-config */
    CONFIG_PRINT,   /* --print-config: the settings in force, as YAML */
    CONFIG_HELP,    /* --help */
    CONFIG_VERSION, /* --version */
    CONFIG_MANUAL,  /* --print-manual: docs/configuration.md */
};

#define SETTING_TYPE_TEXT char *
#define SETTING_TYPE_LIST struct text_list
#define SETTING_TYPE_NUMBER uint32_t
#define SETTING_TYPE_BYTES size_t
#define SETTING_TYPE_LEVEL enum log_level

/* Text is never NULL; an unset one is empty. Plain data: readers need no lock as long as
 * nobody reloads. */
struct settings {
    enum config_action action;
    char *config_file; /* NULL: none */
#define SETTING(field, key, kind, unit, value, min, max, live, doc) SETTING_TYPE_##kind field;
#include "settings.def"
#undef SETTING
};

/* Fills `out` from --config FILE (or FAREBOX_CONFIG), the environment and the flags, and
 * checks all of it, the secret and the TLS files too. Returns 0, or the exit code to leave with:
 * EX_USAGE for the command line, EX_CONFIG for the file, the environment and the contents of
 * files, and for any value under --check-config, EX_NOINPUT for a file that is named and cannot be
 * read; `why` then says what is wrong and where in one
 * line, and `out` is untouched. For help, version and manual nothing is read, for print nothing is
 * checked as a whole. */
int config_load(struct settings *out, int argc, char **argv, char *why, size_t why_len);
void settings_finish(struct settings *settings);

/* Carries out an action other than CONFIG_RUN, writing to `out`. Returns the exit code. */
int config_act(const struct settings *settings, FILE *out);

/* Names of changed settings, separated by ", "; empty: none. */
struct config_changes {
    char live[512];    /* now in force */
    char restart[512]; /* wait for a restart; `current` still holds the old value */
};

/* Puts the live settings of `fresh`, which config_load() filled and which this ends, in force.
 * Call it on the thread that owns `current`. */
void settings_adopt(struct settings *current, struct settings *fresh,
                    struct config_changes *changes);

#endif

/* config_table.h - settings.def as data; shared by the config_*.c files only. */
#ifndef BROKER_CONFIG_TABLE_H
#define BROKER_CONFIG_TABLE_H

#include "config.h"

#include <stdbool.h>

enum setting_index {
#define SETTING(field, key, kind, unit, value, min, max, live, doc) SETTING_##field,
#include "settings.def"
#undef SETTING
    SETTINGS_COUNT
};

enum setting_kind { KIND_TEXT, KIND_LIST, KIND_NUMBER, KIND_BYTES, KIND_LEVEL };

struct setting {
    const char *key, *unit, *value, *doc; /* value: the default, as text */
    uint64_t min, max;
    size_t offset; /* in struct settings */
    enum setting_kind kind;
    bool live;
};

extern const struct setting setting_table[SETTINGS_COUNT];

#define SETTING_ENV_BYTES 64u
/* FAREBOX_MAX_CALLS for max-calls. */
void setting_env_name(const struct setting *setting, char *name);

/* Sets the value from text; of a list, adds one item. On failure (-EINVAL) nothing changes and
 * `why` continues a sentence that begins with the name: "must be 1 to 64, not 0". */
int setting_assign(const struct setting *setting, struct settings *settings, const char *text,
                   char *why, size_t why_len);
/* Frees and empties. */
void setting_clear(const struct setting *setting, struct settings *settings);
/* Exchanges one value between two settings. */
void setting_swap(const struct setting *setting, struct settings *a, struct settings *b);
bool setting_equal(const struct setting *setting, const struct settings *a,
                   const struct settings *b);
/* As it would stand in the YAML file. */
void setting_write(const struct setting *setting, const struct settings *settings, FILE *out);

/* A configuration file taken apart: what it says about each setting. */
struct config_file {
    struct config_file_value {
        char *text; /* NULL: not mentioned, or a list */
        char **items;
        uint32_t n_items;
    } values[SETTINGS_COUNT];
    unsigned lines[SETTINGS_COUNT]; /* 0: not known */
    void *loaded;                   /* owned by libcyaml */
};

/* -EINVAL with `why` naming file and line, or -errno of reading it (also explained). */
int config_file_read(struct config_file *file, const char *path, char *why, size_t why_len);
void config_file_finish(struct config_file *file);

/* Tiers, breakers, filters: what is a language of its own. -EINVAL: `culprit` is the setting, and
 * `why` says what is wrong with it. */
int config_policy_check(const struct settings *settings, size_t *culprit, char *why,
                        size_t why_len);

void config_write_help(FILE *out);
void config_write_manual(FILE *out);
void config_write_settings(const struct settings *settings, FILE *out);

#endif

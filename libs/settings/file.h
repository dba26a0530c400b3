/* file.h - a YAML file of settings taken apart. Internal to libs/settings. */
#ifndef SETTINGS_FILE_H
#define SETTINGS_FILE_H

#include "settings/settings.h"

struct settings_file {
    struct settings_file_value {
        char *text; /* NULL: not mentioned, or a list */
        char **items;
        uint32_t n_items;
    } values[SETTINGS_MAX];
    unsigned lines[SETTINGS_MAX];       /* 0: not known */
    unsigned *item_lines[SETTINGS_MAX]; /* of a list's items, owned; NULL: not known */
    void *loaded;                       /* owned by libcyaml */
};

/* -EINVAL with `why` naming file and line, or -errno of reading it (also explained). */
int settings_file_read(const struct settings_program *program, struct settings_file *file,
                       const char *path, char *why, size_t why_len);
void settings_file_finish(const struct settings_program *program, struct settings_file *file);

#endif

/* loading.h - settings while they are read: what there is so far, and where it came from. Internal
 * to libs/settings. */
#ifndef SETTINGS_LOADING_H
#define SETTINGS_LOADING_H

#include "settings/settings.h"

/* Where a value came from, so that a complaint can say it; the stronger, the greater. */
struct settings_origin {
    enum { FROM_DEFAULT, FROM_FILE, FROM_ENVIRONMENT, FROM_FLAG } source;
    unsigned line;
};

struct settings_loading {
    const struct settings_program *program;
    struct settings_head *settings; /* the program's struct */
    struct settings_origin origins[SETTINGS_MAX];
    unsigned *item_lines[SETTINGS_MAX]; /* in the file, of a list's items, owned; NULL: not known */
    char *why;
};

/* The command line is read twice: for what to do and which file to read, which is the weakest
 * source, then for the settings, which are the strongest. */
enum settings_pass { PASS_ACTIONS, PASS_SETTINGS };

int settings_set(struct settings_loading *loading, size_t i, struct settings_origin origin,
                 const char *text);
/* 0 or the exit code. */
int settings_read_flags(struct settings_loading *loading, int argc, char **argv,
                        enum settings_pass pass);

/* The help and the docs. */
void settings_write_help(const struct settings_program *program, FILE *out);
void settings_write_manual(const struct settings_program *program, FILE *out);

#endif

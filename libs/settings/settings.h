/* settings.h - a program's settings from one table: file < environment < flags, each value checked,
 * each complaint naming where the value came from. For programs, when they start and when they
 * reload; not thread safe. A program has a struct that begins with struct settings_head and has a
 * field, of a SETTING_TYPE_… below, for each line of its settings.def. */
#ifndef SETTINGS_SETTINGS_H
#define SETTINGS_SETTINGS_H

#include "base/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SETTINGS_MAX 128u /* of one program */
#define SETTINGS_WHY_BYTES 512u

struct text_list {
    char **items;
    size_t n;
};

/* What the command line asks for besides settings. */
enum settings_action {
    SETTINGS_RUN,
    SETTINGS_CHECK,   /* --check-config */
    SETTINGS_PRINT,   /* --print-config: the settings in force, as YAML */
    SETTINGS_HELP,    /* --help */
    SETTINGS_VERSION, /* --version */
    SETTINGS_MANUAL,  /* --print-manual: the table for the docs */
};

struct settings_head {
    enum settings_action action;
    char *config_file; /* NULL: none */
};

#define SETTING_TYPE_TEXT char *
#define SETTING_TYPE_LIST struct text_list
#define SETTING_TYPE_NUMBER uint32_t
#define SETTING_TYPE_BYTES size_t
#define SETTING_TYPE_LEVEL enum log_level

/* TEXT: limits are its length. LIST: of texts; limits are the number of entries. BYTES: a number
 * that may end in KiB, MiB or GiB. */
enum setting_kind { KIND_TEXT, KIND_LIST, KIND_NUMBER, KIND_BYTES, KIND_LEVEL };

struct setting {
    const char *key, *unit, *value, *doc; /* value: the default, as text */
    uint64_t min, max;
    size_t offset; /* in the program's struct */
    enum setting_kind kind;
    bool live; /* a reload puts it in force */
};

/* For a line of settings.def: #define SETTING(...) SETTING_ROW(struct …, __VA_ARGS__) */
#define SETTING_ROW(type_, field_, key_, kind_, unit_, value_, min_, max_, live_, doc_) \
    {.key = key_,                                                                       \
     .unit = unit_,                                                                     \
     .value = value_,                                                                   \
     .doc = doc_,                                                                       \
     .min = min_,                                                                       \
     .max = max_,                                                                       \
     .offset = offsetof(type_, field_),                                                 \
     .kind = KIND_##kind_,                                                              \
     .live = live_},

struct settings_loading;

struct settings_program {
    const char *name;       /* "fareboxd" */
    const char *env_prefix; /* "FAREBOX_": of FAREBOX_MAX_CALLS, and FAREBOX_CONFIG */
    const struct setting *table;
    size_t n, size;                                  /* settings; bytes of the struct */
    const char *help_head, *help_tail, *manual_head; /* around the table */
    /* Whether the settings make sense together. Returns 0 or what settings_blame() returned. */
    int (*check)(const struct settings_loading *loading, const void *settings);
};

/* Fills `out`, a struct of the program's, from --config FILE (or FAREBOX_CONFIG), the environment
 * and the flags, and checks all of it. Returns 0, or the exit code to leave with: EX_USAGE for the
 * command line, EX_CONFIG for the file, the environment and the contents of files, and for any
 * value under --check-config, EX_NOINPUT for a file that is named and cannot be read; `why` then
 * says what is wrong and where in one line, and `out` is untouched. For help, version and manual
 * nothing is read, for print nothing is checked as a whole. Text is never NULL. */
int settings_load(const struct settings_program *program, void *out, int argc, char **argv,
                  char why[SETTINGS_WHY_BYTES]);
void settings_free(const struct settings_program *program, void *settings); /* takes NULL */

/* Carries out an action other than SETTINGS_RUN, writing to `out`. Returns the exit code. */
int settings_act(const struct settings_program *program, const void *settings, FILE *out);

/* Names of changed settings, separated by ", "; empty: none. */
struct settings_changes {
    char live[512];    /* now in force */
    char restart[512]; /* wait for a restart; `current` still holds the old value */
};

/* Puts the live settings of `fresh`, which it ends, in force. On the thread that owns `current`. */
void settings_take(const struct settings_program *program, void *current, void *fresh,
                   struct settings_changes *changes);

/* ---- for checks ---- */

/* What is wrong with that setting. Returns the exit code that fits where it was set. */
int settings_blame(const struct settings_loading *loading, size_t i, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same of an item of a list; SIZE_MAX: of all of it. */
int settings_blame_item(const struct settings_loading *loading, size_t i, size_t item,
                        const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The same of a file it names: `err` is -EINVAL for what the file holds. */
int settings_blame_file(const struct settings_loading *loading, size_t i, const char *path, int err,
                        const char *problem);
int settings_missing(const struct settings_loading *loading, size_t i);
/* 0, or the complaint that the file, if one is named, cannot be read. */
int settings_check_readable(const struct settings_loading *loading, size_t i, const char *path);
/* Of two settings that contradict each other the one set more strongly is to blame. */
size_t settings_stronger(const struct settings_loading *loading, size_t a, size_t b);

#endif

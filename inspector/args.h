/* args.h - the command line, read by the table of commands. Pure. Options may stand anywhere; those
 * that are not global belong to one command. Values are checked here, so that a command never sees
 * a bad one. */
#ifndef INSPECTOR_ARGS_H
#define INSPECTOR_ARGS_H

#include "command.h"

#define ARGS_WORDS_MAX 8u
#define ARGS_GIVEN_MAX 128u

struct given {
    const struct opt *opt;
    const char *text; /* NULL for a flag or a lacking value */
    uint64_t number;  /* OPT_COUNT; OPT_TIME, OPT_MOMENT (milliseconds) */
};

struct args {
    const char *noun;              /* NULL: none was typed */
    const struct command *command; /* NULL: none was typed, or help was asked about a noun */
    bool verb_named;               /* rather than taken for granted */
    const char *words[ARGS_WORDS_MAX];
    unsigned n_words;
    struct given given[ARGS_GIVEN_MAX];
    unsigned n_given;
    bool help; /* "--help": everything else is forgiven */
    char error[192];
};

/* 0, or -EINVAL with args->error saying what is wrong; noun and command are set as far as they were
 * understood. Everything is borrowed from argv and the tables. */
int args_parse(struct args *args, const struct command *const *table, const struct opt *globals,
               int argc, char *const *argv);

bool args_has(const struct args *args, const char *name);
/* The last value given, or `otherwise`. */
const char *args_text(const struct args *args, const char *name, const char *otherwise);
uint64_t args_number(const struct args *args, const char *name, uint64_t otherwise);
/* Each value of an option that repeats, in order; `*cursor` starts at 0; NULL at the end. */
const char *args_next(const struct args *args, const char *name, unsigned *cursor);
/* A word behind the command, or NULL. */
const char *args_word(const struct args *args, unsigned at);

/* Is it one of the words in "a|b|c"? */
bool args_is_choice(const char *choices, const char *text);
/* The option of that name (or letter, if the name is one character); NULL if there is none. */
const struct opt *args_find_opt(const struct opt *list, const char *name, size_t len);

#endif

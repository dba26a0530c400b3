/* command.h - what a command is. Dispatch, --help, completion and the manual page all come from the
 * table of these in commands.c. */
#ifndef INSPECTOR_COMMAND_H
#define INSPECTOR_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct args;
struct cli;

enum opt_kind {
    OPT_FLAG,
    OPT_TEXT,
    OPT_FILE,
    OPT_COUNT,  /* a whole number from 1 */
    OPT_TIME,   /* a duration, kept in milliseconds */
    OPT_MOMENT, /* a point in time, kept in Unix milliseconds */
    OPT_CHOICE, /* one of the words in `value` */
};

struct opt {
    const char *name; /* without the dashes; NULL ends a list */
    enum opt_kind kind;
    const char
        *value; /* "TENANT" to be shown in help, or "table|json" to choose from; not for flags */
    const char *help;
    char letter;         /* short form, or 0 */
    bool value_may_lack; /* OPT_TIME only: "--watch" as well as "--watch 5s" */
};

struct command {
    const char *noun;
    const char *verb;      /* NULL: the noun says it all */
    const char *arguments; /* "SERVICE METHOD [JSON|-]": how many follows from it; "": none */
    const char *summary;   /* half a line */
    const char *about;     /* sentences for --help and the manual; may be NULL */
    const struct opt *options;
    bool usual; /* what the noun alone means */
    /* Returns the exit status; has reported what went wrong. */
    int (*run)(struct cli *cli, const struct args *args);
};

/* How many words `arguments` asks for: "[…]" is optional, "…" at the end means any number. */
void command_words(const struct command *command, unsigned *least, unsigned *most);

#endif

/* help.h - what --help says, written from the table of commands. Pure. */
#ifndef INSPECTOR_HELP_H
#define INSPECTOR_HELP_H

#include "args.h"
#include "base/buf.h"

/* About the command, the noun, or everything, as far as `args` names one. */
void help_print(struct buf *out, const struct args *args, const struct command *const *table,
                const struct opt *globals);
/* "token mint --help": where a complaint about the command line sends its reader. */
void help_where(struct buf *out, const struct args *args);

/* "call SERVICE METHOD [JSON|-]" */
void help_usage(struct buf *out, const struct command *command);
/* "Call a method and print its reply." and the line's end. */
void help_summary(struct buf *out, const struct command *command);
/* "-o, --output table|json" */
void help_option(struct buf *out, const struct opt *opt);

#endif

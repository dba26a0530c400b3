/* completion.h - completion for shells, written from the table of commands. Pure. */
#ifndef INSPECTOR_COMPLETION_H
#define INSPECTOR_COMPLETION_H

#include "base/buf.h"
#include "command.h"

#define COMPLETION_SHELLS "bash|zsh|fish"

/* Appends a script that the shell is to source. `shell` is one of COMPLETION_SHELLS. */
void completion_print(struct buf *out, const char *shell, const struct command *const *table,
                      const struct opt *globals);

#endif

/* manual.h - the manual page, in roff, written from the table of commands. Pure. */
#ifndef INSPECTOR_MANUAL_H
#define INSPECTOR_MANUAL_H

#include "base/buf.h"
#include "command.h"

void manual_print(struct buf *out, const struct command *const *table, const struct opt *globals);

#endif

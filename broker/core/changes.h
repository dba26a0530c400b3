/* changes.h - a section of the journal for what the books are given at once, a record at a time:
 * which records a turn has put or deleted, in case the process ends before the books are on disk.
 * Such a section has nothing to save, but what the books refused when it was read back. */
#ifndef CORE_CHANGES_H
#define CORE_CHANGES_H

#include "base/buf.h"

struct core;

/* The change is part of this turn's block; an empty record: deleted. */
void changes_add(struct core *core, struct buf *changes, struct slice key, struct slice record);
/* What was read back and the books do not take now, or not before what they owe already, is put
 * into `owed`; a section's save() gives it to them later, in that order. */
void changes_book(struct core *core, struct buf *owed, struct slice key, struct slice record,
                  int (*give)(struct core *core, struct slice key, struct slice record));
/* False: the books refuse still. */
bool changes_settle(struct core *core, struct buf *owed,
                    int (*give)(struct core *core, struct slice key, struct slice record));
/* The turn's, into the journal, the oldest first: a section full of them, and the journal asks for
 * those that are left. */
void changes_write(struct core *core, struct buf *changes, struct buf *content);
/* Gives each to `take` again, the oldest first, as long as that returns 0. What makes no sense ends
 * it. What `take` returned last. */
int changes_read(struct core *core, struct slice content,
                 int (*take)(struct core *core, struct slice key, struct slice record));

#endif

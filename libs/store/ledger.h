/* ledger.h - blocks that have to be kept before an answer leaves, too often for a
 * disk: written to memory of the system's, not synced. They survive the end of the process,
 * however it ends, but not that of the system. Each block carries a checksum.
 *
 * One thread at a time. Appending takes about two microseconds. */
#ifndef STORE_LEDGER_H
#define STORE_LEDGER_H

#include "base/slice.h"

#include <stdint.h>

struct ledger;

struct ledger_options {
    const char *dir;    /* of a store that is open: its lock keeps others out */
    size_t map_bytes;   /* size of the file; 0: 32 MiB */
    const char *system; /* file that says which start of the system this is; NULL: the kernel's */
};

enum ledger_origin {
    LEDGER_NEW,
    LEDGER_KEPT,    /* what the last process wrote is there */
    LEDGER_EXPIRED, /* the system was started anew: what was there is gone */
    LEDGER_DAMAGED, /* what was there makes no sense, and lies beside it, named ….damaged */
};

/* Negative errno of opening; -ENOSPC: the disk has no room for the whole file. */
int ledger_open(struct ledger **out, const struct ledger_options *options,
                enum ledger_origin *origin);
/* Leaves nothing behind when it is empty. Takes NULL. */
void ledger_close(struct ledger *ledger);

/* Of this ledger among all there ever were. Sequences of two ledgers cannot be compared. */
uint64_t ledger_id(const struct ledger *ledger);

/* Sequences start at 1 and are never given twice. -ENOSPC: full; -EINVAL: over 1 MiB. */
int ledger_append(struct ledger *ledger, struct slice block, uint64_t *sequence);
/* Each sound block that is there, in order, until `each` returns non-zero, which is returned then.
 * The block is borrowed for the call, which may not append. */
int ledger_scan(struct ledger *ledger,
                int (*each)(void *arg, uint64_t sequence, struct slice block), void *arg);
/* Blocks up to `sequence` are not needed any more; they may be shown for some while yet. */
int ledger_trim(struct ledger *ledger, uint64_t sequence);

struct ledger_status {
    uint64_t first, last; /* sequences there are, roughly; last 0: none yet */
    uint64_t damaged;     /* blocks that were skipped */
};
void ledger_status(const struct ledger *ledger, struct ledger_status *out);

#endif

/* journal.h - what outlives the process. Before any frame of a turn leaves, what it did is one
 * block of the ledger; a few times a second the books are given the same for good. Once they have
 * it on disk, the ledger lets go of it. When the broker starts, the blocks that are still there are
 * read back.
 *
 * A block has sections, one for each part of the core that has something to tell. */
#ifndef CORE_JOURNAL_H
#define CORE_JOURNAL_H

#include "base/buf.h"
#include "base/wheel.h"

struct core;

/* In the ledger: a number given once stays what it is. */
enum journal_tag {
    JOURNAL_USAGE = 1,
    JOURNAL_ACCOUNTS = 2,
    JOURNAL_RATES = 3,
    JOURNAL_MONTHS = 4,
    JOURNAL_ANSWERS = 5,
    JOURNAL_VALUES = 6,
    JOURNAL_CREDITS = 7,
    JOURNAL_QUOTA_TOLD = 8,
    JOURNAL_REVOKED = 9,
};

struct journal_block {
    uint64_t sequence;
    uint64_t unix_ms; /* of the turn */
};

/* What the ledger takes as one block. A turn that did more is several. */
#define JOURNAL_BLOCK_MAX ((size_t)1 << 20)
#define JOURNAL_SECTION_MAX ((size_t)128 << 10)

struct journal_section {
    uint8_t tag;
    /* Appends what the turn did, and that is told then. Nothing appended: no section. Whoever has
     * reached JOURNAL_SECTION_MAX keeps the rest, touches the journal and is asked again. */
    void (*write)(struct core *core, struct buf *content);
    /* Gives the books whatever they have not. False: not now; the blocks stay. NULL: they were
     * given it at once. */
    bool (*save)(struct core *core);
    /* At start, oldest block first. What makes no sense is skipped. Negative errno: not now. Then
     * all blocks are read again from the first, later; the broker may have begun to serve. */
    int (*read)(struct core *core, const struct journal_block *block, struct slice content);
};

struct journal {
    struct buf block;
    bool touched;      /* a section has something to write */
    bool unsaved;      /* the books lack something */
    unsigned unread;   /* sections, a bit each, whose reading has failed so far */
    uint64_t ledger;   /* its id: sequences of two cannot be compared */
    uint64_t sequence; /* of the newest block */
    uint64_t found;    /* that of the newest when we started */
    uint64_t trimmed;
    uint64_t turns;   /* that wrote, or tried to; that of a turn under way is one more */
    uint64_t told;    /* the books were told to say when they have this one */
    uint64_t kept;    /* and have all up to this one */
    uint64_t awaited; /* somebody waits for them to have this one */
    size_t bytes;     /* written since the books were given everything */
    uint64_t asked, asked_sequence; /* the books were told of this turn; 0: not waiting */
    struct timer timer;
    int ledger_error; /* of the newest block: 0 or a negative errno */
    bool books_fail;
};

/* Reads back what there is. Negative errno of the ledger. */
int journal_start(struct core *core);
void journal_stop(struct core *core);

/* A section has something to write in this turn. */
void journal_touch(struct core *core);
/* The turn that has what was touched so far: an answer that is to outlive the system, where replies
 * do, waits for it (core/hold.h). */
uint64_t journal_turn(const struct core *core);
/* A turn; when `kept` has reached it, what was put into the books so far is on disk. */
uint64_t journal_await(struct core *core);
/* Before any frame leaves. */
void journal_write(struct core *core);
/* Gives the books all they lack. False: they refuse. */
bool journal_save(struct core *core);
/* The books have all up to that turn on disk. */
void journal_kept(struct core *core, uint64_t turn);

/* Little endian numbers, for sections. Taking: there must be as many bytes. */
void journal_put(struct buf *out, uint64_t value, unsigned bytes);
uint64_t journal_take(struct slice *from, unsigned bytes);
/* False: there are not as many. */
bool journal_take_bytes(struct slice *from, size_t len, struct slice *out);

#endif

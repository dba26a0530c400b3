/* bus_store.h - the broker's store and ledger, which outlive it. What it has booked of the usage
 * waits for a commit, of which a kill leaves any part, and a power cut nothing. */
#ifndef SIM_BUS_STORE_H
#define SIM_BUS_STORE_H

#include "core/io.h"

struct world;

struct stored {
    char *table;
    struct buf key, record; /* no record: deleted */
    struct buf queued;      /* newer than the record, which it is to replace */
};

struct bus_store {
    struct stored *records;
    size_t n_records, cap_records;
    struct buf *blocks; /* of the ledger, by sequence from 1 */
    uint64_t n_blocks, cap_blocks, trimmed;
    uint64_t ledger;            /* counts those that were lost */
    uint64_t asked, kept, told; /* marks: that the broker waits for, that is on disk, it heard of */
    bool fails, planned;        /* a commit of its own is */
    uint64_t refused_at;        /* when the newest commit was to be, and failed */
};

/* What was put is on disk after this time, if the store works. */
#define STORE_COMMITS_NS (200 * NS_PER_MS)

/* Fills in what has to do with the store. */
void bus_store_io(struct io *io);
/* In a turn: the broker hears of what is on disk. */
void bus_store_turn(struct world *world);
/* The broker was killed. */
void bus_store_killed(struct world *world);
void bus_store_finish(struct bus_store *store);

#endif

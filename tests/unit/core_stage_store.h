/* core_stage_store.h - the store behind the stage, in memory. */
#ifndef TESTS_CORE_STAGE_STORE_H
#define TESTS_CORE_STAGE_STORE_H

#include "base/buf.h"

#define STAGE_RECORDS 512u
#define STAGE_BLOCKS 512u

struct stage;

/* Part of struct stage, by its names. */
struct stage_record {
    const char *table;
    uint8_t *key;
    size_t key_len;
    struct buf value;
};

struct stage_ledger {
    uint64_t id, last, trimmed;
    struct buf blocks[STAGE_BLOCKS]; /* that of sequence 1 first; trimmed ones are empty */
    bool fails;
};

void stage_store_init(struct stage *stage);
/* In a turn: the core hears of what is on disk. */
void stage_store_turn(struct stage *stage);
void stage_store_finish(struct stage *stage);

#endif

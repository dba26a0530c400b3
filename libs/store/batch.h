/* batch.h - writes that are not on disk yet: the last one for each key. Not thread safe;
 * reading is, as long as nobody changes it. */
#ifndef STORE_BATCH_H
#define STORE_BATCH_H

#include "base/map.h"

#include <stdint.h>

#define BATCH_TABLE_MAX 32u /* bytes of a table's name */
#define BATCH_KEY_MAX 500u

enum write_kind {
    WRITE_PUT,
    WRITE_DELETE,
    WRITE_PURGE, /* deletes what is on disk if it is still damaged; invisible to readers */
};

struct write {
    enum write_kind kind;
    bool taken;                      /* the committer's: part of the transaction under way */
    struct slice table, key, record; /* in the same allocation */
    struct slice name;               /* table, NUL, key */
};

struct batch {
    struct map writes;
    size_t bytes; /* of memory, roughly */
};

void batch_init(struct batch *batch);
void batch_clear(struct batch *batch);
void batch_add(struct batch *batch, enum write_kind kind, struct slice table, struct slice key,
               struct slice record);
/* NULL: nothing is known about the key. */
const struct write *batch_find(const struct batch *batch, struct slice table, struct slice key);
struct write *batch_next(const struct batch *batch, size_t *cursor);
/* Moves what `newer` says nothing about into it; `older` is empty afterwards. */
void batch_merge(struct batch *newer, struct batch *older);
/* Those not taken, which belong to both batches then: end the first by batch_clear_taken(). */
struct batch batch_rest(const struct batch *batch);
void batch_clear_taken(struct batch *batch);

#endif

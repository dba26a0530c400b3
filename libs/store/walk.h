/* walk.h - reading a file that may be damaged, in a child that may crash over it. */
#ifndef STORE_WALK_H
#define STORE_WALK_H

#include "base/slice.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* Written by the child, shared with the parent. */
struct walk_report {
    bool survived;   /* the child did not crash */
    bool finished;   /* every table was read to its end */
    bool consistent; /* and holds what LMDB and we had noted about it */
    bool has_schema;
    uint32_t schema; /* of the first sound record */
    uint64_t sound, damaged;
};

enum walk_direction { WALK_FORWARD, WALK_BACKWARD };

struct walk; /* a child at work */

/* Without records: only the report counts. */
int walk_start(struct walk **out, const char *path, enum walk_direction direction,
               bool with_records);
/* The next record as it stands on disk, damaged ones too, valid until the next call. False: no
 * more. */
bool walk_next(struct walk *walk, struct slice *table, struct slice *key, struct slice *raw);
/* Waits for the child. */
void walk_finish(struct walk *walk, struct walk_report *report);

#endif

/* packing.h - bars as MessagePack. */
#ifndef DATA_BRIDGE_PACKING_H
#define DATA_BRIDGE_PACKING_H

#include "bars.h"
#include "farebox.h"

const char *packing_interval(enum bars_interval interval);

/* The rows of one series, packed once: any range of them is one piece of memory,
 * so that a long history costs its caller's I/O thread a copy and no more. */
struct packed_rows {
    fbx_writer rows;
    size_t *offsets; /* of each row, and the end */
};

void packed_rows_init(struct packed_rows *packed, const struct series *series);
void packed_rows_finish(struct packed_rows *packed);

/* date, open, high, low, close, volume; or date, close: how many, and their names as
 * an array. */
uint32_t packing_fields(const struct series *series);
void packing_write_fields(fbx_writer *w, const struct series *series);
/* Those rows, without the array's header. */
struct slice packed_rows_in(const struct packed_rows *packed, struct bars_range range);

/* One bar as key and value pairs of a map that is being written: packing_fields() pairs. */
void packing_write_pairs(fbx_writer *w, const struct series *series, const struct bar *bar);
void packing_write_day(fbx_writer *w, int32_t day);

#endif

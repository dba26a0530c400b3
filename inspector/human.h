/* human.h - numbers in the units people read: three digits and a suffix. Pure.
 * Exact figures are what -o json is for. */
#ifndef INSPECTOR_HUMAN_H
#define INSPECTOR_HUMAN_H

#include "base/buf.h"

void human_count(struct buf *out, uint64_t count);   /* 950, 1.2k, 34k, 5.6M */
void human_bytes(struct buf *out, uint64_t bytes);   /* 950 B, 1.2 KiB, 34 MiB */
void human_micros(struct buf *out, uint64_t micros); /* 950 us, 1.2 ms, 34 s */
void human_nanos(struct buf *out, uint64_t nanos);   /* 950 ns, 1.2 us, 34 ms */
void human_span(struct buf *out, uint64_t ms);       /* 850ms, 12s, 3m12s, 4h05m, 12d03h */
void human_date(struct buf *out, int64_t unix_s);    /* 2024-05-17 09:30:00Z */
void human_clock(struct buf *out, uint64_t unix_ms); /* 09:30:00.125, UTC */

/* Appends text from strangers: control characters, which a terminal would obey, become '?'. */
void human_text(struct buf *out, struct slice text);

#endif

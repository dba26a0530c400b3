/* csv.h - comma separated values without quoting, as the market data come. Pure. */
#ifndef DATA_BRIDGE_CSV_H
#define DATA_BRIDGE_CSV_H

#include "base/slice.h"

/* Takes the next line off `*rest`; ends at LF or CRLF or the end. False: nothing left. */
bool csv_line(struct slice *rest, struct slice *line);
/* Splits a line into exactly `n` fields; false if it has another number of them. */
bool csv_fields(struct slice line, struct slice *fields, size_t n);
/* A finite number above zero in plain decimal notation. */
bool csv_price(struct slice field, double *out);
bool csv_natural(struct slice field, uint64_t *out);
/* "Jan 1 2000" or "2000-01-31", as days since 1970-01-01. */
bool csv_date(struct slice field, int32_t *out);

#endif

/* csv.h - names as fields of comma-separated values (RFC 4180), harmless to spreadsheets. Pure. */
#ifndef INSPECTOR_CSV_H
#define INSPECTOR_CSV_H

#include "base/buf.h"

/* Users are named by whoever they belong to, and a spreadsheet computes a field that begins with
 * '=', '+', '-', '@', a tab or a carriage return. Such a name gets an apostrophe before it, with
 * which it is shown as text; so does one that begins with an apostrophe, so that taking one away
 * always gives the name. Quoted if there is anything in it that could end a field. */
void csv_put_name(struct buf *out, const char *name);

#endif

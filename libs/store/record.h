/* record.h - how a record stands on disk: 16 bytes of header, then the bytes.
 * The checksum covers table, key, schema and bytes, so a record that turns up under another key is
 * damaged too. Pure. */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include "base/buf.h"

#include <stdint.h>

#define RECORD_HEADER 16u

/* Appends header and bytes. */
void record_seal(struct buf *out, struct slice table, struct slice key, uint32_t schema,
                 struct slice bytes);
/* The bytes and (may be NULL) the schema they were written under; false: damaged. */
bool record_open(struct slice sealed, struct slice table, struct slice key, struct slice *bytes,
                 uint32_t *schema);

#endif

#include "store/internal.h"

#include "base/buf.h"
#include "store/record.h"

#include <sodium.h>

#define DIGEST_BYTES crypto_generichash_BYTES_MIN

static void digest(uint8_t *out, struct slice table, struct slice key)
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, DIGEST_BYTES);
    crypto_generichash_update(&state, table.data, table.len);
    crypto_generichash_update(&state, (const uint8_t *)"", 1);
    crypto_generichash_update(&state, key.data, key.len);
    crypto_generichash_final(&state, out, DIGEST_BYTES);
}

/* Damaged lengths can be anything. */
static size_t at_most(size_t len, size_t max)
{
    return len < max ? len : max;
}

void quarantine_add(struct batch *batch, struct slice table, struct slice key, struct slice raw)
{
    uint8_t id[DIGEST_BYTES];
    table.len = at_most(table.len, UINT8_MAX);
    key.len = at_most(key.len, UINT16_MAX);
    raw.len = at_most(raw.len, STORE_RECORD_MAX + RECORD_HEADER);
    uint8_t table_len = (uint8_t)table.len;
    uint8_t key_len[2] = {(uint8_t)key.len, (uint8_t)(key.len >> 8)};
    struct buf copy = {0};
    digest(id, table, key);
    buf_append(&copy, &table_len, 1);
    buf_append(&copy, table.data, table.len);
    buf_append(&copy, key_len, sizeof key_len);
    buf_append(&copy, key.data, key.len);
    buf_append(&copy, raw.data, raw.len);
    batch_add(batch, WRITE_PUT, slice_of(BOOKS_QUARANTINE), slice_make(id, sizeof id),
              buf_slice(&copy));
    buf_finish(&copy);
}

#include "store/record.h"

#include <sodium.h>

/* header: format (1), three zeros, schema (4, little endian), checksum (8) */
#define FORMAT 1u
#define SCHEMA_AT 4u
#define CHECKSUM_AT 8u
#define CHECKSUM_BYTES 8u

static void put_u32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t get_u32(const uint8_t *at)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < 4; i++)
        value |= (uint32_t)at[i] << (8 * i);
    return value;
}

/* BLAKE2b gives 16 bytes at least; half of them are plenty against accidents. */
static void compute(uint8_t *checksum, const uint8_t *head, struct slice table, struct slice key,
                    struct slice bytes)
{
    crypto_generichash_state state;
    uint8_t lengths[8], full[crypto_generichash_BYTES_MIN];
    put_u32(lengths, (uint32_t)table.len);
    put_u32(lengths + 4, (uint32_t)key.len);
    crypto_generichash_init(&state, NULL, 0, sizeof full);
    crypto_generichash_update(&state, head, CHECKSUM_AT);
    crypto_generichash_update(&state, lengths, sizeof lengths);
    crypto_generichash_update(&state, table.data, table.len);
    crypto_generichash_update(&state, key.data, key.len);
    crypto_generichash_update(&state, bytes.data, bytes.len);
    crypto_generichash_final(&state, full, sizeof full);
    memcpy(checksum, full, CHECKSUM_BYTES);
}

void record_seal(struct buf *out, struct slice table, struct slice key, uint32_t schema,
                 struct slice bytes)
{
    uint8_t header[RECORD_HEADER] = {FORMAT};
    put_u32(header + SCHEMA_AT, schema);
    compute(header + CHECKSUM_AT, header, table, key, bytes);
    buf_append(out, header, sizeof header);
    buf_append(out, bytes.data, bytes.len);
}

bool record_open(struct slice sealed, struct slice table, struct slice key, struct slice *bytes,
                 uint32_t *schema)
{
    if (sealed.len < RECORD_HEADER || sealed.data[0] != FORMAT)
        return false;
    struct slice inner = slice_make(sealed.data + RECORD_HEADER, sealed.len - RECORD_HEADER);
    uint8_t expected[CHECKSUM_BYTES];
    compute(expected, sealed.data, table, key, inner);
    if (memcmp(expected, sealed.data + CHECKSUM_AT, sizeof expected) != 0)
        return false;
    *bytes = inner;
    if (schema)
        *schema = get_u32(sealed.data + SCHEMA_AT);
    return true;
}

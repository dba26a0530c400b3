#include "core/usage.h"

#include "core/journal.h"

/* A row: its format (1 byte), then of an hour the ledger (8) and the sequence (8), of a day the
 * hours (4), then the usage. */
#define FORMAT_HOUR 1u
#define FORMAT_DAY 2u
#define HOUR_BYTES (1u + 8u + 8u + USAGE_BYTES)
#define DAY_BYTES (1u + 4u + USAGE_BYTES)

void usage_add(struct usage *sum, const struct usage *more)
{
    sum->calls += more->calls;
    sum->errors += more->errors;
    sum->bytes_in += more->bytes_in;
    sum->bytes_out += more->bytes_out;
    sum->duration_ns += more->duration_ns;
}

void usage_put(struct buf *out, const struct usage *usage)
{
    journal_put(out, usage->calls, 8);
    journal_put(out, usage->errors, 8);
    journal_put(out, usage->bytes_in, 8);
    journal_put(out, usage->bytes_out, 8);
    journal_put(out, usage->duration_ns, 8);
}

void usage_take(struct slice *from, struct usage *usage)
{
    usage->calls = journal_take(from, 8);
    usage->errors = journal_take(from, 8);
    usage->bytes_in = journal_take(from, 8);
    usage->bytes_out = journal_take(from, 8);
    usage->duration_ns = journal_take(from, 8);
}

/* ---- keys ---- */

static bool take_part(struct slice *from, struct slice *part)
{
    const uint8_t *end = from->len ? memchr(from->data, '\0', from->len) : NULL;
    size_t len = end ? (size_t)(end - from->data) : from->len;
    *part = slice_make(from->data, len);
    *from = slice_make(from->data + len + (end != NULL), from->len - len - (end != NULL));
    return end != NULL;
}

bool usage_read_key(struct usage_key *out, struct slice key)
{
    return take_part(&key, &out->time) && take_part(&key, &out->tenant) &&
           take_part(&key, &out->user) && take_part(&key, &out->service) &&
           !take_part(&key, &out->method);
}

/* ---- rows ---- */

void usage_put_hour(struct buf *out, const struct usage_hour *hour)
{
    journal_put(out, FORMAT_HOUR, 1);
    journal_put(out, hour->ledger, 8);
    journal_put(out, hour->sequence, 8);
    usage_put(out, &hour->usage);
}

bool usage_read_hour(struct usage_hour *out, struct slice row)
{
    if (row.len != HOUR_BYTES || journal_take(&row, 1) != FORMAT_HOUR)
        return false;
    out->ledger = journal_take(&row, 8);
    out->sequence = journal_take(&row, 8);
    usage_take(&row, &out->usage);
    return true;
}

void usage_put_day(struct buf *out, const struct usage_day *day)
{
    journal_put(out, FORMAT_DAY, 1);
    journal_put(out, day->hours, 4);
    usage_put(out, &day->usage);
}

bool usage_read_day(struct usage_day *out, struct slice row)
{
    if (row.len != DAY_BYTES || journal_take(&row, 1) != FORMAT_DAY)
        return false;
    out->hours = (uint32_t)journal_take(&row, 4);
    usage_take(&row, &out->usage);
    return true;
}

bool usage_read_row(struct usage *out, struct slice row)
{
    struct usage_hour hour;
    struct usage_day day;
    if (usage_read_hour(&hour, row))
        *out = hour.usage;
    else if (usage_read_day(&day, row))
        *out = day.usage;
    else
        return false;
    return true;
}

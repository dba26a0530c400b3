#include "core/answer_record.h"

#include "core/state.h"

/* A record: FORMAT, metered (1 byte), expires_ms (8), hash, status (2), the lengths of content type
 * (2), message (2) and payload (4), the number of details (1), then these texts, and for each
 * detail the lengths of key (1) and value (2) and both. */
#define FORMAT 1u
#define METERED_AT 1u
#define HEAD_BYTES (1u + 1u + 8u + ANSWER_HASH_BYTES)
#define REPLY_BYTES (2u + 2u + 2u + 4u + 1u)
#define DETAILS_MAX 16u

static void put_text(struct buf *out, struct slice text)
{
    buf_append(out, text.data, text.len);
}

void answer_record_write(struct buf *out, const struct answer *answer,
                         const struct wire_reply *reply)
{
    size_t n = reply->n_details < DETAILS_MAX ? reply->n_details : DETAILS_MAX;
    journal_put(out, FORMAT, 1);
    journal_put(out, answer->metered, 1);
    journal_put(out, answer->expires_ms, 8);
    buf_append(out, answer->hash, ANSWER_HASH_BYTES);
    journal_put(out, reply->status, 2);
    journal_put(out, reply->content_type.len, 2);
    journal_put(out, reply->message.len, 2);
    journal_put(out, reply->payload.len, 4);
    journal_put(out, n, 1);
    put_text(out, reply->content_type);
    put_text(out, reply->message);
    put_text(out, reply->payload);
    for (size_t i = 0; i < n; i++) {
        struct slice key = slice_of(reply->details[i].key);
        struct slice value = slice_of(reply->details[i].value);
        journal_put(out, key.len < UINT8_MAX ? key.len : UINT8_MAX, 1);
        journal_put(out, value.len < UINT16_MAX ? value.len : UINT16_MAX, 2);
        put_text(out, slice_make(key.data, key.len < UINT8_MAX ? key.len : UINT8_MAX));
        put_text(out, slice_make(value.data, value.len < UINT16_MAX ? value.len : UINT16_MAX));
    }
}

bool answer_record_head(struct slice *record, struct answer *answer)
{
    if (record->len < HEAD_BYTES + REPLY_BYTES || journal_take(record, 1) != FORMAT)
        return false;
    answer->metered = journal_take(record, 1) != 0;
    answer->expires_ms = journal_take(record, 8);
    memcpy(answer->hash, record->data, ANSWER_HASH_BYTES);
    *record = slice_make(record->data + ANSWER_HASH_BYTES, record->len - ANSWER_HASH_BYTES);
    return true;
}

static bool take_details(struct core *core, struct slice *record, struct wire_reply *reply)
{
    struct wire_detail *details =
        arena_alloc(&core->arena, (reply->n_details + 1) * sizeof *details);
    reply->details = details;
    for (size_t i = 0; i < reply->n_details; i++) {
        struct slice key, value;
        if (record->len < 3)
            return false;
        size_t key_len = journal_take(record, 1), value_len = journal_take(record, 2);
        if (!journal_take_bytes(record, key_len, &key) ||
            !journal_take_bytes(record, value_len, &value))
            return false;
        details[i].key = arena_text(&core->arena, key);
        details[i].value = arena_text(&core->arena, value);
    }
    return true;
}

bool answer_record_reply(struct core *core, struct slice *record, struct wire_reply *reply)
{
    *reply = (struct wire_reply){.status = (enum status)journal_take(record, 2)};
    size_t content_type = journal_take(record, 2), message = journal_take(record, 2);
    size_t payload = journal_take(record, 4);
    reply->n_details = journal_take(record, 1);
    return reply->status < STATUS_COUNT &&
           journal_take_bytes(record, content_type, &reply->content_type) &&
           journal_take_bytes(record, message, &reply->message) &&
           journal_take_bytes(record, payload, &reply->payload) &&
           take_details(core, record, reply);
}

void answer_record_pay(struct buf *record)
{
    record->data[METERED_AT] = true;
}

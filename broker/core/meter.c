#include "core/meter.h"

#include "base/log.h"
#include "base/mem.h"
#include "core/state.h"
#include "policy/calendar.h"

#include <errno.h>

#define SAVE_NS (200 * NS_PER_MS)
#define IDLE_MAX 16384u /* tallies remembered without need */
#define HOUR_MS 3600000u
#define FIELDS 5u          /* of struct usage */
#define METHOD_UNKNOWN "?" /* callers make up names as they like: one tally for all of them */

/* A block: FORMAT, then for each tally the key's length (2 bytes), the key and the fields. A
 * row: FORMAT, ledger, sequence and the fields. All numbers are little endian. */
#define FORMAT 1u
#define ROW_BYTES (1u + 8u * (2u + FIELDS))

struct tally {
    struct list turn;           /* in meter.touched */
    struct list node;           /* in meter.unsaved or meter.idle */
    struct usage total, turned; /* all there is in the books and since; this turn's part */
    uint64_t absorbed;          /* blocks of the ledger up to here are in the row as it was found */
    uint64_t hour;
    bool loaded; /* `total` has what the books knew */
    size_t key_len;
    uint8_t key[];
};

/* ---- numbers ---- */

static void put_number(struct buf *out, uint64_t value, unsigned bytes)
{
    uint8_t *at = buf_reserve(out, bytes);
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
    out->len += bytes;
}

static uint64_t take_number(struct slice *from, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)from->data[i] << (8 * i);
    *from = slice_make(from->data + bytes, from->len - bytes);
    return value;
}

static void put_usage(struct buf *out, const struct usage *usage)
{
    put_number(out, usage->calls, 8);
    put_number(out, usage->errors, 8);
    put_number(out, usage->bytes_in, 8);
    put_number(out, usage->bytes_out, 8);
    put_number(out, usage->duration_ns, 8);
}

static void take_usage(struct slice *from, struct usage *usage)
{
    usage->calls = take_number(from, 8);
    usage->errors = take_number(from, 8);
    usage->bytes_in = take_number(from, 8);
    usage->bytes_out = take_number(from, 8);
    usage->duration_ns = take_number(from, 8);
}

void usage_add(struct usage *sum, const struct usage *more)
{
    sum->calls += more->calls;
    sum->errors += more->errors;
    sum->bytes_in += more->bytes_in;
    sum->bytes_out += more->bytes_out;
    sum->duration_ns += more->duration_ns;
}

/* ---- rows ---- */

static bool read_row(struct slice row, uint64_t *ledger, uint64_t *sequence, struct usage *usage)
{
    if (row.len != ROW_BYTES || take_number(&row, 1) != FORMAT)
        return false;
    *ledger = take_number(&row, 8);
    *sequence = take_number(&row, 8);
    take_usage(&row, usage);
    return true;
}

bool usage_read_row(struct usage *out, struct slice row)
{
    uint64_t ledger, sequence;
    return read_row(row, &ledger, &sequence, out);
}

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
    return take_part(&key, &out->hour) && take_part(&key, &out->tenant) &&
           take_part(&key, &out->user) && take_part(&key, &out->service) &&
           !take_part(&key, &out->method);
}

/* ---- tallies ---- */

static struct tally *tally_of(struct meter *meter, struct slice key, uint64_t hour)
{
    struct tally *tally = map_get(&meter->tallies, key);
    if (tally)
        return tally;
    tally = mem_zalloc(sizeof *tally + key.len);
    memcpy(tally->key, key.data, key.len);
    tally->key_len = key.len;
    tally->hour = hour;
    list_init(&tally->turn);
    list_init(&tally->node);
    map_put(&meter->tallies, slice_make(tally->key, key.len), tally);
    return tally;
}

static struct slice key_of(const struct tally *tally)
{
    return slice_make(tally->key, tally->key_len);
}

static void forget(struct meter *meter, struct tally *tally)
{
    map_remove(&meter->tallies, key_of(tally));
    list_remove(&tally->node);
    mem_free(tally);
}

/* Those of past hours are not needed again. */
static void forget_idle(struct meter *meter)
{
    for (struct list *node; (node = list_first(&meter->idle));) {
        struct tally *tally = LIST_ENTRY(node, struct tally, node);
        if (meter->tallies.count <= IDLE_MAX && tally->hour == meter->hour)
            return;
        forget(meter, tally);
    }
}

/* What the books know is added to what was counted since. A row that was damaged is gone, which
 * the store has told. False: it cannot be read now. */
static bool load(struct core *core, struct tally *tally)
{
    struct buf row = {0};
    struct usage before;
    uint64_t ledger, sequence;
    int err = core->io.get(core->io.arg, METER_TABLE, key_of(tally), &row);
    tally->loaded = err == 0 || err == -ENOENT || err == -EILSEQ;
    if (err == 0 && read_row(buf_slice(&row), &ledger, &sequence, &before)) {
        usage_add(&tally->total, &before);
        tally->absorbed = ledger == core->meter.ledger ? sequence : 0;
    } else if (err == 0) {
        log_event(LOG_ERROR, "meter.row_unreadable", NULL);
    }
    buf_finish(&row);
    return tally->loaded;
}

/* ---- a call ---- */

static void append_name(struct buf *key, struct slice name)
{
    buf_append(key, "", 1);
    buf_append(key, name.data, name.len);
}

static void name_hour(struct meter *meter, uint64_t hour)
{
    char text[CALENDAR_HOUR + 1];
    if (meter->hour == hour && meter->key.len > 0)
        return;
    calendar_print(hour, text);
    meter->hour = hour;
    meter->key.len = 0;
    buf_append(&meter->key, text, CALENDAR_HOUR);
}

static struct slice key_of_call(struct core *core, const struct call *call, enum status status)
{
    struct meter *meter = &core->meter;
    name_hour(meter, core->now.unix_ms / HOUR_MS);
    meter->key.len = CALENDAR_HOUR;
    append_name(&meter->key, call->identity->tenant);
    append_name(&meter->key, call->identity->user);
    append_name(&meter->key, call->service->name);
    append_name(&meter->key, status == STATUS_METHOD_NOT_FOUND
                                 ? slice_of(METHOD_UNKNOWN)
                                 : slice_make(call->method, call->method_len));
    return buf_slice(&meter->key);
}

static void arm(struct core *core)
{
    if (core->meter.timer.due == 0)
        wheel_arm(&core->wheel, &core->meter.timer, core->now.mono_ns + SAVE_NS);
}

static void touch(struct core *core, struct tally *tally)
{
    struct meter *meter = &core->meter;
    if (!list_empty(&tally->turn))
        return;
    list_push(&meter->touched, &tally->turn);
    list_remove(&tally->node);
    list_push(&meter->unsaved, &tally->node);
    arm(core);
}

void meter_count(struct core *core, const struct call *call, const struct wire_reply *reply)
{
    bool heard = call->caller || call->exchange;
    if (call->attempts == 0 || !heard)
        return;
    const struct usage usage = {.calls = 1,
                                .errors = reply->status != STATUS_OK,
                                .bytes_in = call->bytes_in,
                                .bytes_out = call->bytes_out + reply->payload.len,
                                .duration_ns = core->now.mono_ns - call->started};
    struct slice key = key_of_call(core, call, reply->status);
    struct tally *tally = tally_of(&core->meter, key, core->meter.hour);
    usage_add(&tally->turned, &usage);
    touch(core, tally);
}

/* ---- the ledger ---- */

static void close_turn(struct meter *meter, struct tally *tally)
{
    put_number(&meter->block, tally->key_len, 2);
    buf_append(&meter->block, tally->key, tally->key_len);
    put_usage(&meter->block, &tally->turned);
    usage_add(&tally->total, &tally->turned);
    tally->turned = (struct usage){0};
    list_remove(&tally->turn);
}

void meter_write(struct core *core)
{
    struct meter *meter = &core->meter;
    if (list_empty(&meter->touched))
        return;
    meter->block.len = 0;
    put_number(&meter->block, FORMAT, 1);
    for (struct list *node; (node = list_first(&meter->touched));)
        close_turn(meter, LIST_ENTRY(node, struct tally, turn));
    int err = core->io.ledger_append(core->io.arg, buf_slice(&meter->block), &meter->sequence);
    /* The books get it all the same, unless we are killed before: said once, not for each turn. */
    if (err < 0 && !meter->ledger_fails)
        log_event(LOG_ERROR, "meter.ledger_fails", "why", strerror(-err), NULL);
    meter->ledger_fails = err < 0;
}

/* ---- the books ---- */

static int put_row(struct core *core, const struct tally *tally)
{
    struct meter *meter = &core->meter;
    struct buf row = {0};
    put_number(&row, FORMAT, 1);
    put_number(&row, meter->ledger, 8);
    put_number(&row, meter->sequence, 8);
    put_usage(&row, &tally->total);
    int err = core->io.put(core->io.arg, METER_TABLE, key_of(tally), buf_slice(&row));
    buf_finish(&row);
    return err;
}

static bool save(struct core *core, struct tally *tally)
{
    if ((!tally->loaded && !load(core, tally)) || put_row(core, tally) < 0)
        return false;
    list_remove(&tally->node);
    list_push(&core->meter.idle, &tally->node);
    return true;
}

bool meter_save(struct core *core)
{
    struct meter *meter = &core->meter;
    bool kept = true;
    meter_write(core); /* a row says which blocks it has */
    for (struct list *node; kept && (node = list_first(&meter->unsaved));)
        kept = save(core, LIST_ENTRY(node, struct tally, node));
    if (kept)
        meter->saved = meter->sequence;
    if (!kept && !meter->books_fail)
        log_event(LOG_ERROR, "meter.books_fail", NULL);
    meter->books_fail = !kept;
    forget_idle(meter);
    return kept;
}

/* Everything was queued a while ago: when nothing is queued now, it is on disk. */
static void trim(struct core *core)
{
    struct meter *meter = &core->meter;
    struct io_vitals vitals = {0};
    if (meter->trimmed == meter->saved)
        return;
    if (core->io.vitals)
        core->io.vitals(core->io.arg, &vitals);
    if (vitals.store_queued == 0 && core->io.ledger_trim(core->io.arg, meter->saved) == 0)
        meter->trimmed = meter->saved;
}

static void on_timer(struct timer *timer, void *arg)
{
    struct core *core = arg;
    struct meter *meter = &core->meter;
    (void)timer;
    trim(core);
    meter_save(core);
    if (!list_empty(&meter->unsaved) || meter->trimmed != meter->saved)
        arm(core);
}

/* ---- start ---- */

static int add_again(struct core *core, struct slice key, uint64_t sequence,
                     const struct usage *usage)
{
    struct tally *tally = tally_of(&core->meter, key, 0);
    if (!tally->loaded && !load(core, tally))
        return -EIO;
    if (sequence > tally->absorbed)
        usage_add(&tally->total, usage);
    list_remove(&tally->node);
    list_push(&core->meter.unsaved, &tally->node);
    return 0;
}

static int replay(void *arg, uint64_t sequence, struct slice block)
{
    struct core *core = arg;
    int err = 0;
    core->meter.sequence = sequence;
    if (block.len == 0 || take_number(&block, 1) != FORMAT)
        return 0;
    while (!err && block.len >= 2) {
        size_t len = take_number(&block, 2);
        if (block.len < len + FIELDS * 8)
            return 0;
        struct slice key = slice_make(block.data, len);
        struct usage usage;
        block = slice_make(block.data + len, block.len - len);
        take_usage(&block, &usage);
        err = add_again(core, key, sequence, &usage);
    }
    return err;
}

int meter_start(struct core *core)
{
    struct meter *meter = &core->meter;
    map_init(&meter->tallies);
    list_init(&meter->touched);
    list_init(&meter->unsaved);
    list_init(&meter->idle);
    timer_init(&meter->timer, on_timer);
    meter->ledger = core->io.ledger_id(core->io.arg);
    int err = core->io.ledger_scan(core->io.arg, replay, core);
    if (!list_empty(&meter->unsaved))
        arm(core);
    return err;
}

void meter_stop(struct core *core)
{
    struct meter *meter = &core->meter;
    size_t cursor = 0;
    for (struct tally *tally; (tally = map_next(&meter->tallies, &cursor));)
        mem_free(tally);
    map_finish(&meter->tallies);
    buf_finish(&meter->block);
    buf_finish(&meter->key);
}

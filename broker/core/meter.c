#include "core/meter.h"

#include "base/log.h"
#include "base/mem.h"
#include "core/state.h"
#include "policy/calendar.h"

#include <errno.h>

#define IDLE_MAX 16384u /* tallies remembered without need */
#define HOUR_MS 3600000u
#define METHOD_OTHER "?" /* that the service does not know, or that are too many */
#define METHODS_MAX 256u /* of a service in an hour; callers make up names as they like */

/* In a block: for each tally the key's length (2 bytes), the key and the usage. */

struct tally {
    struct list turn;           /* in meter.touched */
    struct list node;           /* in meter.unsaved or meter.idle */
    struct usage total, turned; /* all there is in the books and since; this turn's part */
    uint64_t absorbed;          /* blocks of the ledger up to here are in the row as it was found */
    uint64_t hour;
    bool loaded;                  /* `total` has what the books knew */
    struct slice service, method; /* in `key` */
    size_t key_len;
    uint8_t key[];
};

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
    struct usage_key parts;
    if (usage_read_key(&parts, slice_make(tally->key, key.len))) {
        tally->service = parts.service;
        tally->method = parts.method;
    }
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
    meter->epoch++;
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
    struct usage_hour before;
    int err = core->io.get(core->io.arg, USAGE_TABLE, key_of(tally), &row);
    tally->loaded = err == 0 || err == -ENOENT || err == -EILSEQ;
    if (err == 0 && usage_read_hour(&before, buf_slice(&row))) {
        usage_add(&tally->total, &before.usage);
        tally->absorbed = before.ledger == core->journal.ledger ? before.sequence : 0;
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

static void forget_methods(struct meter *meter)
{
    size_t cursor = 0;
    for (void *name; (name = map_next(&meter->methods, &cursor));)
        mem_free(name);
    map_finish(&meter->methods);
    map_init(&meter->methods);
}

static void name_hour(struct meter *meter, uint64_t hour)
{
    char text[CALENDAR_HOUR + 1];
    if (meter->hour == hour && meter->key.len > 0)
        return;
    calendar_print(hour, text);
    meter->hour = hour;
    meter->epoch++;
    forget_methods(meter);
    meter->key.len = 0;
    buf_append(&meter->key, text, CALENDAR_HOUR);
}

/* False: the service has so many names in this hour that it gets no more. */
static bool has_name(struct meter *meter, struct service *service, struct slice name)
{
    if (map_get(&meter->methods, name))
        return true;
    if (service->metered_hour != meter->hour)
        service->metered = 0;
    service->metered_hour = meter->hour;
    if (service->metered == METHODS_MAX)
        return false;
    service->metered++;
    void *kept = mem_dup(name.data, name.len);
    map_put(&meter->methods, slice_make(kept, name.len), kept);
    return true;
}

static struct tally *look_up(struct meter *meter, const struct call *call, struct slice method)
{
    struct buf *key = &meter->key;
    key->len = CALENDAR_HOUR;
    append_name(key, call->identity->tenant);
    append_name(key, call->identity->user);
    append_name(key, call->service->name);
    size_t service = key->len - call->service->name.len, before = key->len;
    append_name(key, method);
    if (!slice_is(method, METHOD_OTHER) &&
        !has_name(meter, call->service, slice_make(key->data + service, key->len - service))) {
        key->len = before;
        append_name(key, slice_of(METHOD_OTHER));
    }
    return tally_of(meter, buf_slice(key), meter->hour);
}

static struct tally *find_recent(const struct meter_recent *recent, const struct call *call,
                                 struct slice method)
{
    for (unsigned i = 0; i < METER_RECENT; i++) {
        struct tally *tally = recent->tallies[i];
        if (tally && slice_equal(tally->method, method) &&
            slice_equal(tally->service, call->service->name))
            return tally;
    }
    return NULL;
}

static struct tally *tally_of_call(struct core *core, struct call *call, enum status status)
{
    struct meter *meter = &core->meter;
    struct meter_recent *recent = &call->identity->recent;
    struct slice method = status == STATUS_METHOD_NOT_FOUND
                              ? slice_of(METHOD_OTHER)
                              : slice_make(call->method, call->method_len);
    name_hour(meter, core->now.unix_ms / HOUR_MS);
    if (recent->epoch != meter->epoch)
        *recent = (struct meter_recent){.epoch = meter->epoch};
    struct tally *tally = find_recent(recent, call, method);
    if (tally)
        return tally;
    tally = look_up(meter, call, method);
    recent->tallies[recent->next++ % METER_RECENT] = tally;
    return tally;
}

static void touch(struct core *core, struct tally *tally)
{
    struct meter *meter = &core->meter;
    if (!list_empty(&tally->turn))
        return;
    list_push(&meter->touched, &tally->turn);
    list_remove(&tally->node);
    list_push(&meter->unsaved, &tally->node);
    journal_touch(core);
}

void meter_count(struct core *core, struct call *call, const struct wire_reply *reply)
{
    bool heard = call->caller || call->exchange;
    /* What counts the answer that is given again may be on its way to the disk yet. */
    if (call->replayed)
        call->counted = journal_turn(core);
    if ((call->attempts == 0 && !call->owes) || !heard)
        return;
    const struct usage usage = {.calls = 1,
                                .errors = reply->status != STATUS_OK,
                                .bytes_in = call->bytes_in,
                                .bytes_out = call->bytes_out + reply->payload.len,
                                .duration_ns = core->now.mono_ns - call->started};
    struct tally *tally = tally_of_call(core, call, reply->status);
    usage_add(&tally->turned, &usage);
    touch(core, tally);
    month_count(core, months_of(core, call->identity));
    call->counted = core->journal.turns + 1;
}

/* ---- the journal ---- */

static void close_turn(struct tally *tally, struct buf *content)
{
    journal_put(content, tally->key_len, 2);
    buf_append(content, tally->key, tally->key_len);
    usage_put(content, &tally->turned);
    usage_add(&tally->total, &tally->turned);
    tally->turned = (struct usage){0};
    list_remove(&tally->turn);
}

static void write_turn(struct core *core, struct buf *content)
{
    size_t most = content->len + JOURNAL_SECTION_MAX;
    for (struct list *node; content->len < most && (node = list_first(&core->meter.touched));)
        close_turn(LIST_ENTRY(node, struct tally, turn), content);
    if (!list_empty(&core->meter.touched))
        journal_touch(core);
}

static int put_row(struct core *core, const struct tally *tally)
{
    const struct usage_hour hour = {
        .ledger = core->journal.ledger, .sequence = core->journal.sequence, .usage = tally->total};
    struct buf row = {0};
    usage_put_hour(&row, &hour);
    int err = core->io.put(core->io.arg, USAGE_TABLE, key_of(tally), buf_slice(&row));
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

static bool save_all(struct core *core)
{
    struct meter *meter = &core->meter;
    bool saved = true;
    for (struct list *node; saved && (node = list_first(&meter->unsaved));)
        saved = save(core, LIST_ENTRY(node, struct tally, node));
    forget_idle(meter);
    return saved;
}

/* A block may be read twice; it is added once. */
static int add_again(struct core *core, struct slice key, uint64_t sequence,
                     const struct usage *usage)
{
    struct tally *tally = tally_of(&core->meter, key, 0);
    if (!tally->loaded && !load(core, tally))
        return -EIO;
    if (sequence > tally->absorbed) {
        usage_add(&tally->total, usage);
        tally->absorbed = sequence;
    }
    list_remove(&tally->node);
    list_push(&core->meter.unsaved, &tally->node);
    return 0;
}

static int read_turn(struct core *core, const struct journal_block *block, struct slice content)
{
    int err = 0;
    while (!err && content.len >= 2) {
        size_t len = journal_take(&content, 2);
        if (content.len < len + USAGE_BYTES)
            return 0;
        struct slice key = slice_make(content.data, len);
        struct usage usage;
        content = slice_make(content.data + len, content.len - len);
        usage_take(&content, &usage);
        err = add_again(core, key, block->sequence, &usage);
    }
    return err;
}

const struct journal_section meter_section = {
    .tag = JOURNAL_USAGE,
    .write = write_turn,
    .save = save_all,
    .read = read_turn,
};

void meter_init(struct meter *meter)
{
    map_init(&meter->tallies);
    map_init(&meter->methods);
    list_init(&meter->touched);
    list_init(&meter->unsaved);
    list_init(&meter->idle);
}

void meter_finish(struct meter *meter)
{
    size_t cursor = 0;
    for (struct tally *tally; (tally = map_next(&meter->tallies, &cursor));)
        mem_free(tally);
    map_finish(&meter->tallies);
    forget_methods(meter);
    map_finish(&meter->methods);
    buf_finish(&meter->key);
}

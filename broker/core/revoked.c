#include "core/revoked.h"

#include "base/mem.h"
#include "builtin/feed.h"
#include "builtin/tap.h"
#include "core/changes.h"
#include "core/route.h"
#include "core/state.h"

/* A key: "id/ID" or "user/TENANT/USER"; it is also where a page of the list ends. A record: FORMAT,
 * issued_before_ms, until_ms, at_ms (8 each), the length of `by` (2), then that. */
#define FORMAT 1u
#define RECORD_BYTES 27u

struct entry {
    struct timer timer; /* for its end */
    uint64_t issued_before_ms, until_ms;
    struct slice key;
    uint8_t bytes[];
};

/* ---- keys and records ---- */

static struct slice key_of(struct core *core, const struct revocation *revocation)
{
    return slice_of(revocation->id.len > 0
                        ? arena_printf(&core->arena, "id/%.*s", SLICE_FMT(revocation->id))
                        : arena_printf(&core->arena, "user/%.*s/%.*s",
                                       SLICE_FMT(revocation->tenant), SLICE_FMT(revocation->user)));
}

static bool split(struct slice text, struct slice *first, struct slice *rest)
{
    const uint8_t *end = text.len ? memchr(text.data, '/', text.len) : NULL;
    if (!end)
        return false;
    *first = slice_make(text.data, (size_t)(end - text.data));
    *rest = slice_make(end + 1, text.len - first->len - 1);
    return true;
}

static bool read_key(struct revocation *out, struct slice key)
{
    struct slice kind, rest;
    if (!split(key, &kind, &rest))
        return false;
    if (slice_is(kind, "user"))
        return split(rest, &out->tenant, &out->user);
    out->id = rest;
    return slice_is(kind, "id");
}

bool revocation_read(struct revocation *out, struct slice key, struct slice record)
{
    *out = (struct revocation){0};
    if (!read_key(out, key) || record.len < RECORD_BYTES || journal_take(&record, 1) != FORMAT)
        return false;
    out->issued_before_ms = journal_take(&record, 8);
    out->until_ms = journal_take(&record, 8);
    out->at_ms = journal_take(&record, 8);
    size_t by = journal_take(&record, 2);
    out->by = record;
    return record.len == by;
}

static void put_record(struct buf *out, const struct revocation *revocation)
{
    journal_put(out, FORMAT, 1);
    journal_put(out, revocation->issued_before_ms, 8);
    journal_put(out, revocation->until_ms, 8);
    journal_put(out, revocation->at_ms, 8);
    journal_put(out, revocation->by.len, 2);
    buf_append(out, revocation->by.data, revocation->by.len);
}

/* ---- in memory ---- */

static void forget(struct core *core, struct entry *entry)
{
    map_remove(&core->revoked.by_key, entry->key);
    wheel_disarm(&core->wheel, &entry->timer);
    mem_free(entry);
}

/* Should the books not delete it, it is found at the next start, and over then too. */
static void on_end(struct timer *timer, void *arg)
{
    struct core *core = arg;
    struct entry *entry = LIST_ENTRY(timer, struct entry, timer);
    if (entry->until_ms > core->now.unix_ms) {
        wheel_arm(&core->wheel, timer, identity_look_at(entry->until_ms, core->now));
        return;
    }
    (void)core->io.remove(core->io.arg, REVOKED_TABLE, entry->key);
    forget(core, entry);
}

static void take(struct core *core, struct slice key, const struct revocation *revocation)
{
    struct entry *old = map_get(&core->revoked.by_key, key);
    if (old)
        forget(core, old);
    struct entry *entry = mem_zalloc(sizeof *entry + key.len);
    memcpy(entry->bytes, key.data, key.len);
    entry->key = slice_make(entry->bytes, key.len);
    entry->issued_before_ms = revocation->issued_before_ms;
    entry->until_ms = revocation->until_ms;
    timer_init(&entry->timer, on_end);
    if (entry->until_ms)
        wheel_arm(&core->wheel, &entry->timer, identity_look_at(entry->until_ms, core->now));
    map_put(&core->revoked.by_key, entry->key, entry);
    core->revoked.generation++;
    /* In a turn of its own: whoever asked is answered before their session ends. */
    wheel_arm(&core->wheel, &core->revoked.sweep, core->now.mono_ns + 1);
}

/* ---- asking ---- */

static bool look_up(struct core *core, const struct identity *identity)
{
    const struct context *claims = &identity->context;
    struct slice id = slice_of(claims->token_id);
    if (id.len > 0 && map_get(&core->revoked.by_key, key_of(core, &(struct revocation){.id = id})))
        return true;
    const struct revocation all = {.tenant = identity->tenant, .user = identity->user};
    const struct entry *entry = map_get(&core->revoked.by_key, key_of(core, &all));
    return entry && claims->token_issued_ms < entry->issued_before_ms;
}

bool revoked_holds(struct core *core, struct identity *identity)
{
    if (identity->judged == core->revoked.generation)
        return identity->revoked;
    identity->judged = core->revoked.generation;
    identity->revoked = core->revoked.by_key.count > 0 && look_up(core, identity);
    return identity->revoked;
}

/* ---- ending what was opened ---- */

static void sweep_subscriptions(struct core *core, struct session *session)
{
    size_t cursor = 0;
    for (struct subscription *s; (s = map_next(&session->subscriptions, &cursor));) {
        if (revoked_holds(core, s->identity))
            route_subscription_over(core, s, STATUS_UNAUTHENTICATED,
                                    "the token it was made with was revoked");
    }
}

static void on_sweep(struct timer *timer, void *arg)
{
    struct core *core = arg;
    struct list *head = &core->sessions.all, *node = head->next;
    (void)timer;
    feeds_revoked(core);
    taps_revoked(core);
    while (node != head) {
        struct session *session = LIST_ENTRY(node, struct session, node);
        node = node->next;
        if (revoked_holds(core, session->identity))
            session_end(core, session, STATUS_UNAUTHENTICATED, TEXT_UNAUTHENTICATED);
        else
            sweep_subscriptions(core, session);
    }
}

/* ---- revoking ---- */

static uint64_t later_end(uint64_t a, uint64_t b)
{
    return a == 0 || b == 0 ? 0 : a > b ? a : b;
}

static bool has_room(const struct core *core)
{
    return core->revoked.by_key.count < core->limits.max_revoked;
}

static int give_books(struct core *core, struct slice key, struct slice record)
{
    return core->io.put(core->io.arg, REVOKED_TABLE, key, record);
}

static bool save_owed(struct core *core)
{
    return changes_settle(core, &core->revoked.owed, give_books);
}

/* What the last process wrote comes before what this one does. */
static enum revoke_outcome keep(struct core *core, struct slice key,
                                const struct revocation *revocation)
{
    struct buf record = {0};
    put_record(&record, revocation);
    bool kept = save_owed(core) && give_books(core, key, buf_slice(&record)) == 0;
    if (kept) {
        changes_add(core, &core->revoked.changes, key, buf_slice(&record));
        take(core, key, revocation);
    }
    buf_finish(&record);
    return kept ? REVOKE_DONE : REVOKE_NO_BOOKS;
}

enum revoke_outcome revoked_add(struct core *core, const struct revocation *revocation)
{
    struct slice key = key_of(core, revocation);
    const struct entry *known = map_get(&core->revoked.by_key, key);
    struct revocation wanted = *revocation;
    if (!known)
        return has_room(core) ? keep(core, key, &wanted) : REVOKE_FULL;
    wanted.until_ms = later_end(wanted.until_ms, known->until_ms);
    if (wanted.issued_before_ms < known->issued_before_ms)
        wanted.issued_before_ms = known->issued_before_ms;
    if (wanted.until_ms == known->until_ms && wanted.issued_before_ms == known->issued_before_ms)
        return REVOKE_DONE;
    return keep(core, key, &wanted);
}

/* ---- the journal ---- */

static void write_changes(struct core *core, struct buf *content)
{
    changes_write(core, &core->revoked.changes, content);
}

/* In force at once: it was answered for, even if the books refuse it for now. */
static int read_change(struct core *core, struct slice key, struct slice record)
{
    struct revocation revocation;
    if (!revocation_read(&revocation, key, record))
        return 0;
    take(core, key, &revocation);
    changes_book(core, &core->revoked.owed, key, record, give_books);
    return 0;
}

static int read_changes(struct core *core, const struct journal_block *block, struct slice content)
{
    (void)block;
    return changes_read(core, content, read_change);
}

const struct journal_section revoked_section = {
    .tag = JOURNAL_REVOKED,
    .write = write_changes,
    .save = save_owed,
    .read = read_changes,
};

/* ---- start and end ---- */

static int load(void *arg, struct slice key, struct slice record)
{
    struct revocation revocation;
    if (revocation_read(&revocation, key, record))
        take(arg, key, &revocation);
    return 0;
}

int revoked_start(struct core *core)
{
    map_init(&core->revoked.by_key);
    core->revoked.generation = 1;
    timer_init(&core->revoked.sweep, on_sweep);
    return core->io.scan(core->io.arg, REVOKED_TABLE, load, core);
}

void revoked_finish(struct core *core)
{
    size_t cursor = 0;
    for (struct entry *entry; (entry = map_next(&core->revoked.by_key, &cursor));)
        forget(core, entry);
    map_finish(&core->revoked.by_key);
    buf_finish(&core->revoked.changes);
    buf_finish(&core->revoked.owed);
}

#include "core/rates.h"

#include "base/log.h"
#include "base/mem.h"
#include "core/state.h"

#define FORMAT 2u
#define FORMAT_OF_ONE 1u /* of earlier versions: a row for each user */
#define MINUTE_MS (WINDOW_NS / NS_PER_MS)

/* A section: for each user the key's length (2 bytes), the key, the rate (4, 4) and the calls (4).
 * A row: FORMAT, ledger (8), sequence (8), then for each user the key's length (2), the key, the
 * rate (4, 4), the number of moments at which calls were let through (4), and for each the time (8)
 * and how many (4). Its key: when it was written (8 bytes, big endian), the sequence (8), and how
 * many rows were written before (4): no row takes the place of another.
 * A row of one: FORMAT_OF_ONE, ledger, sequence, the rate, then the moments. Its key: when it was
 * written, then the user's. */
#define USER_BYTES 12u
#define ROW_BYTES (1u + 8u + 8u)
#define RATE_BYTES 8u
#define SPAN_BYTES 12u
#define TIME_BYTES 8u
#define ROW_FULL ((size_t)64 << 10) /* the next user has another row */

/* ---- users ---- */

/* A tenant's users are its own: NUL is in no name. */
struct slice rates_key(struct core *core, struct slice tenant, struct slice user)
{
    const struct slice parts[] = {tenant, user};
    return arena_join(&core->arena, parts, 2);
}

struct limited *rates_entry(struct core *core, struct slice key)
{
    struct limiter *users = &core->rates.users;
    users->most = core->limits.max_limited_users;
    return limiter_user(users, key, core->now.mono_ns);
}

bool rates_room(struct core *core, const struct slice *keys, size_t n)
{
    struct limiter *users = &core->rates.users;
    users->most = core->limits.max_limited_users;
    return limiter_make_room(users, keys, n, core->now.mono_ns);
}

struct limited *rates_user(struct core *core, struct identity *identity)
{
    struct limiter *users = &core->rates.users;
    if (identity->limited && identity->limited_when == users->dropped)
        return identity->limited;
    identity->limited = rates_entry(core, rates_key(core, identity->tenant, identity->user));
    identity->limited_when = users->dropped;
    return identity->limited;
}

bool rates_admit(struct core *core, struct limited *user, struct window_rate rate,
                 struct window_state *state)
{
    struct rates *rates = &core->rates;
    if (!limiter_admit(&rates->users, user, rate, core->now.mono_ns, state))
        return false;
    user->turned++;
    if (list_empty(&user->turn))
        list_push(&rates->turned, &user->turn);
    journal_touch(core);
    return true;
}

void rates_look(struct core *core, struct slice key, struct window_rate rate,
                struct window_state *state)
{
    limiter_look(&core->rates.users, key, rate, core->now.mono_ns, state);
}

/* ---- the journal ---- */

/* The books may have refused for long: what is a minute old concerns nobody. */
static void make_room(struct limited *user, uint64_t unix_ms)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < user->n_spans; i++) {
        if (user->spans[i].unix_ms + MINUTE_MS >= unix_ms)
            user->spans[kept++] = user->spans[i];
    }
    user->n_spans = kept;
    if (2 * kept <= user->cap_spans && user->cap_spans > 0)
        return;
    user->cap_spans = user->cap_spans ? 2 * user->cap_spans : 4;
    user->spans = mem_realloc(user->spans, user->cap_spans * sizeof *user->spans);
}

static void add_span(struct limited *user, uint64_t unix_ms, uint32_t calls)
{
    if (user->n_spans > 0 && user->spans[user->n_spans - 1].unix_ms == unix_ms) {
        user->spans[user->n_spans - 1].calls += calls;
        return;
    }
    if (user->n_spans == user->cap_spans)
        make_room(user, unix_ms);
    user->spans[user->n_spans++] = (struct limited_span){unix_ms, calls};
}

static void close_turn(struct core *core, struct limited *user, struct buf *content)
{
    journal_put(content, user->key.len, 2);
    buf_append(content, user->key.data, user->key.len);
    journal_put(content, user->rate.per_minute, 4);
    journal_put(content, user->rate.burst, 4);
    journal_put(content, user->turned, 4);
    add_span(user, core->now.unix_ms, user->turned);
    user->turned = 0;
    list_remove(&user->turn);
    if (list_empty(&user->slot))
        list_push(&core->rates.slot, &user->slot);
}

static void write_turn(struct core *core, struct buf *content)
{
    size_t most = content->len + JOURNAL_SECTION_MAX;
    for (struct list *node; content->len < most && (node = list_first(&core->rates.turned));)
        close_turn(core, LIST_ENTRY(node, struct limited, turn), content);
    if (!list_empty(&core->rates.turned))
        journal_touch(core);
}

/* ---- the books ---- */

static void put_time(struct buf *key, uint64_t unix_ms)
{
    uint8_t *at = buf_reserve(key, TIME_BYTES);
    for (unsigned i = 0; i < TIME_BYTES; i++)
        at[i] = (uint8_t)(unix_ms >> (56 - 8 * i));
    key->len += TIME_BYTES;
}

static uint64_t time_of(struct slice key)
{
    uint64_t unix_ms = 0;
    for (unsigned i = 0; i < TIME_BYTES && i < key.len; i++)
        unix_ms = unix_ms << 8 | key.data[i];
    return unix_ms;
}

static void put_user(struct buf *row, const struct limited *user)
{
    journal_put(row, user->key.len, 2);
    buf_append(row, user->key.data, user->key.len);
    journal_put(row, user->rate.per_minute, 4);
    journal_put(row, user->rate.burst, 4);
    journal_put(row, user->n_spans, 4);
    for (uint32_t i = 0; i < user->n_spans; i++) {
        journal_put(row, user->spans[i].unix_ms, 8);
        journal_put(row, user->spans[i].calls, 4);
    }
}

/* As many of those who wait for it as a row takes; they are in `saved` then. */
static void fill_row(struct core *core, struct buf *row, struct list *saved)
{
    journal_put(row, FORMAT, 1);
    journal_put(row, core->journal.ledger, 8);
    journal_put(row, core->journal.sequence, 8);
    for (struct list *node; row->len < ROW_FULL && (node = list_first(&core->rates.slot));) {
        put_user(row, LIST_ENTRY(node, struct limited, slot));
        list_remove(node);
        list_push(saved, node);
    }
}

static void let_go(struct core *core, struct list *saved, bool kept)
{
    for (struct list *node; (node = list_first(saved));) {
        list_remove(node);
        if (kept)
            LIST_ENTRY(node, struct limited, slot)->n_spans = 0;
        else
            list_push(&core->rates.slot, node);
    }
}

static bool put_row(struct core *core)
{
    struct buf key = {0}, row = {0};
    struct list saved;
    list_init(&saved);
    put_time(&key, core->now.unix_ms);
    journal_put(&key, core->journal.sequence, 8);
    journal_put(&key, core->rates.rows++, 4);
    fill_row(core, &row, &saved);
    int err = core->io.put(core->io.arg, RATES_TABLE, buf_slice(&key), buf_slice(&row));
    let_go(core, &saved, err == 0);
    if (core->rates.oldest_ms > core->now.unix_ms)
        core->rates.oldest_ms = core->now.unix_ms;
    buf_finish(&key);
    buf_finish(&row);
    return err == 0;
}

/* Rows are looked for when the oldest is twice as old as it need be, and few go at a time: either
 * takes time from everybody's calls. */
struct deletion {
    struct core *core;
    uint64_t before; /* those written then, or later, stay */
    uint64_t next;   /* when the first that stays was written; UINT64_MAX: none does */
    unsigned left;
};

static int delete_row(void *arg, struct slice key, struct slice row)
{
    struct deletion *deletion = arg;
    struct core *core = deletion->core;
    uint64_t unix_ms = time_of(key);
    (void)row;
    if (unix_ms >= deletion->before || deletion->left == 0) {
        deletion->next = unix_ms;
        return 1;
    }
    deletion->left--;
    core->io.remove(core->io.arg, RATES_TABLE, key);
    return 0;
}

static bool delete_rows(struct core *core, uint64_t from, uint64_t before, uint64_t *next)
{
    struct deletion deletion = {core, before, UINT64_MAX, RATES_DELETED_AT_ONCE};
    struct buf key = {0};
    put_time(&key, from);
    int err = core->io.scan_from(core->io.arg, RATES_TABLE, buf_slice(&key), delete_row, &deletion);
    buf_finish(&key);
    if (err >= 0)
        *next = deletion.next;
    return err >= 0;
}

static bool delete_old(struct core *core)
{
    struct rates *rates = &core->rates;
    uint64_t now = core->now.unix_ms;
    if (now < 2 * MINUTE_MS || rates->oldest_ms >= now - 2 * MINUTE_MS)
        return true;
    return delete_rows(core, 0, now - MINUTE_MS, &rates->oldest_ms);
}

/* Written before the clock was set back: what counts of them has been written anew. */
static bool delete_ahead(struct core *core)
{
    uint64_t next;
    if (!core->rates.ahead)
        return true;
    if (!delete_rows(core, core->now.unix_ms + 1, UINT64_MAX, &next))
        return false;
    core->rates.ahead = next != UINT64_MAX;
    return true;
}

static bool save_all(struct core *core)
{
    while (!list_empty(&core->rates.slot)) {
        if (!put_row(core))
            return false;
    }
    return delete_old(core) && delete_ahead(core);
}

/* ---- reading back ---- */

static bool rate_valid(struct window_rate rate)
{
    return rate.per_minute > 0 && rate.per_minute <= WINDOW_RATE_MAX && rate.burst > 0 &&
           rate.burst <= WINDOW_RATE_MAX;
}

/* A millisecond is taken for its end: never for a refill. */
static uint64_t age_of(const struct core *core, uint64_t unix_ms)
{
    uint64_t now_ms = core->now.unix_ms;
    return unix_ms + 1 < now_ms ? (now_ms - unix_ms - 1) * NS_PER_MS : 0;
}

/* What does not takes no place: nothing would ever give it back. */
static bool still_counts(const struct core *core, struct window_rate rate, uint64_t unix_ms,
                         uint32_t calls)
{
    return rate_valid(rate) && calls > 0 && age_of(core, unix_ms) < WINDOW_NS;
}

static void restore(struct core *core, struct limited *user, struct window_rate rate,
                    uint64_t unix_ms, uint32_t calls)
{
    uint64_t now = core->now.mono_ns, age = age_of(core, unix_ms);
    uint64_t at = age < now ? now - age : 0;
    limiter_restore(&core->rates.users, user, rate, at > user->window.at ? at : user->window.at,
                    calls);
}

static struct window_rate take_rate(struct slice *from)
{
    struct window_rate rate = {.per_minute = (uint32_t)journal_take(from, 4)};
    rate.burst = (uint32_t)journal_take(from, 4);
    return rate;
}

static uint64_t not_ahead(const struct core *core, uint64_t unix_ms)
{
    return unix_ms < core->now.unix_ms ? unix_ms : core->now.unix_ms;
}

/* The books get it, or get it again. */
static void save_span(struct core *core, struct limited *user, uint64_t unix_ms, uint32_t calls)
{
    add_span(user, unix_ms, calls);
    if (list_empty(&user->slot))
        list_push(&core->rates.slot, &user->slot);
}

struct row {
    uint64_t absorbed; /* blocks up to here are in it */
    bool ahead;        /* of the clock, which was set back */
};

static void read_spans(struct core *core, const struct row *row, struct slice name,
                       struct window_rate rate, struct slice spans)
{
    while (spans.len >= SPAN_BYTES) {
        uint64_t unix_ms = not_ahead(core, journal_take(&spans, 8));
        uint32_t calls = (uint32_t)journal_take(&spans, 4);
        struct limited *user = still_counts(core, rate, unix_ms, calls)
                                   ? limiter_user(&core->rates.users, name, core->now.mono_ns)
                                   : NULL;
        if (!user)
            continue;
        user->absorbed = row->absorbed;
        restore(core, user, rate, unix_ms, calls);
        if (row->ahead)
            save_span(core, user, unix_ms, calls);
    }
}

static void read_users(struct core *core, const struct row *row, struct slice users)
{
    while (users.len >= 2) {
        size_t len = journal_take(&users, 2);
        if (users.len < len + RATE_BYTES + 4)
            break;
        struct slice name = slice_make(users.data, len);
        users = slice_make(users.data + len, users.len - len);
        struct window_rate rate = take_rate(&users);
        size_t spans = (size_t)journal_take(&users, 4) * SPAN_BYTES;
        if (users.len < spans)
            break;
        read_spans(core, row, name, rate, slice_make(users.data, spans));
        users = slice_make(users.data + spans, users.len - spans);
    }
}

static int read_row(void *arg, struct slice key, struct slice bytes)
{
    struct core *core = arg;
    if (key.len <= TIME_BYTES || bytes.len < ROW_BYTES)
        return 0;
    uint64_t format = journal_take(&bytes, 1), ledger = journal_take(&bytes, 8);
    uint64_t sequence = journal_take(&bytes, 8);
    bool ours = ledger == core->io.ledger_id(core->io.arg);
    struct row row = {ours ? sequence : 0, time_of(key) > core->now.unix_ms};
    if (row.ahead)
        core->rates.ahead = core->journal.unsaved = true;
    if (format == FORMAT) {
        read_users(core, &row, bytes);
    } else if (format == FORMAT_OF_ONE && bytes.len >= RATE_BYTES) {
        struct slice name = slice_make(key.data + TIME_BYTES, key.len - TIME_BYTES);
        struct window_rate rate = take_rate(&bytes);
        read_spans(core, &row, name, rate, bytes);
    }
    return 0;
}

static void read_user(struct core *core, const struct journal_block *block, struct slice key,
                      struct window_rate rate, uint32_t calls)
{
    struct limited *user = still_counts(core, rate, block->unix_ms, calls)
                               ? limiter_user(&core->rates.users, key, core->now.mono_ns)
                               : NULL;
    if (!user || block->sequence <= user->absorbed)
        return;
    uint64_t unix_ms = not_ahead(core, block->unix_ms);
    user->absorbed = block->sequence;
    restore(core, user, rate, unix_ms, calls);
    save_span(core, user, unix_ms, calls);
}

static int read_turn(struct core *core, const struct journal_block *block, struct slice content)
{
    while (content.len >= 2) {
        size_t len = journal_take(&content, 2);
        if (content.len < len + USER_BYTES)
            break;
        struct slice key = slice_make(content.data, len);
        content = slice_make(content.data + len, content.len - len);
        struct window_rate rate = take_rate(&content);
        read_user(core, block, key, rate, (uint32_t)journal_take(&content, 4));
    }
    return 0;
}

const struct journal_section rates_section = {
    .tag = JOURNAL_RATES,
    .write = write_turn,
    .save = save_all,
    .read = read_turn,
};

void rates_start(struct core *core)
{
    struct rates *rates = &core->rates;
    struct buf from = {0};
    uint64_t now_ms = core->now.unix_ms;
    limiter_init(&rates->users, core->limits.max_limited_users);
    list_init(&rates->turned);
    list_init(&rates->slot);
    put_time(&from, now_ms > MINUTE_MS ? now_ms - MINUTE_MS : 0);
    if (core->io.scan_from(core->io.arg, RATES_TABLE, buf_slice(&from), read_row, core) < 0)
        log_event(LOG_WARN, "rates.unreadable", "why", "the calls of the last minute are forgotten",
                  NULL);
    buf_finish(&from);
}

void rates_finish(struct core *core)
{
    limiter_finish(&core->rates.users);
}

#include "core/months.h"

#include "base/log.h"
#include "base/mem.h"
#include "core/state.h"

#include <errno.h>

#define FORMAT 1u
#define MS_PER_HOUR 3600000u

/* A section: for each tenant the key's length (2 bytes), the key and the calls (4), or what it was
 * warned of (4). A row: FORMAT, ledger (8), sequence (8), calls (8), what was warned of (4). */
#define ROW_BYTES (1u + 8u + 8u + 8u + 4u)

static struct month *create(struct months *months, struct slice key)
{
    struct month *month = mem_zalloc(sizeof *month + key.len);
    memcpy(month->name, key.data, key.len);
    month->key = slice_make(month->name, key.len);
    month->tenant = slice_make(month->name + CALENDAR_MONTH + 1, key.len - CALENDAR_MONTH - 1);
    list_init(&month->turn);
    list_init(&month->told);
    list_init(&month->under_way);
    list_init(&month->unsaved);
    map_put(&months->by_key, month->key, month);
    return month;
}

static void add_row(struct core *core, struct month *month, struct slice row)
{
    if (row.len != ROW_BYTES || journal_take(&row, 1) != FORMAT)
        return;
    bool same = journal_take(&row, 8) == core->io.ledger_id(core->io.arg);
    uint64_t sequence = journal_take(&row, 8);
    month->absorbed = same ? sequence : 0;
    month->calls += journal_take(&row, 8);
    uint32_t warned = (uint32_t)journal_take(&row, 4);
    if (warned > month->warned)
        month->warned = warned;
}

/* What the books have of it is added to what is known. False: they cannot be read now. */
static bool load(struct core *core, struct month *month)
{
    struct buf row = {0};
    int err = month->loaded ? 0 : core->io.get(core->io.arg, MONTHS_TABLE, month->key, &row);
    if (!month->loaded && !err)
        add_row(core, month, buf_slice(&row));
    month->loaded |= !err || err == -ENOENT || err == -EILSEQ;
    buf_finish(&row);
    return month->loaded;
}

/* A month may have been here before: clocks are set. */
static struct month *find(struct core *core, struct slice key)
{
    struct month *month = map_get(&core->months.by_key, key);
    if (!month)
        month = create(&core->months, key);
    (void)load(core, month);
    return month;
}

static void drop(struct months *months, struct month *month)
{
    map_remove(&months->by_key, month->key);
    mem_free(month);
}

/* Past months are needed until the books have them. */
static void drop_past(struct months *months)
{
    size_t cursor = 0;
    for (struct month *month; (month = map_next(&months->by_key, &cursor));) {
        bool idle = list_empty(&month->turn) && list_empty(&month->unsaved);
        if (idle && memcmp(month->name, months->now, CALENDAR_MONTH) != 0)
            drop(months, month);
    }
}

static struct slice key_of(struct core *core, struct slice tenant)
{
    const struct slice parts[] = {slice_make(core->months.now, CALENDAR_MONTH), tenant};
    return arena_join(&core->arena, parts, 2);
}

static void add_pending(struct months *months, struct month *month, uint64_t calls)
{
    month->pending += calls;
    list_remove(&month->under_way);
    list_push(&months->under_way, &month->under_way);
}

/* What is under way ends, and counts, in the month that has begun. */
static void carry_over(struct core *core)
{
    struct months *months = &core->months;
    struct list ended;
    list_init(&ended);
    for (struct list *node; (node = list_first(&months->under_way));) {
        list_remove(node);
        list_push(&ended, node);
    }
    for (struct list *node; (node = list_first(&ended));) {
        struct month *month = LIST_ENTRY(node, struct month, under_way);
        list_remove(node);
        add_pending(months, find(core, key_of(core, month->tenant)), month->pending);
        month->pending = 0;
    }
}

static void look_at_calendar(struct core *core)
{
    struct months *months = &core->months;
    uint64_t hour = core->now.unix_ms / MS_PER_HOUR;
    char now[CALENDAR_HOUR + 1];
    if (hour == months->hour)
        return;
    months->hour = hour;
    calendar_print(hour, now);
    bool same = memcmp(now, months->now, CALENDAR_MONTH) == 0;
    memcpy(months->now, now, sizeof now);
    if (same)
        return;
    months->generation++;
    carry_over(core);
    drop_past(months);
}

struct month *months_of(struct core *core, struct identity *identity)
{
    struct months *months = &core->months;
    look_at_calendar(core);
    if (identity->month && identity->month_when == months->generation)
        return identity->month;
    identity->month = find(core, key_of(core, identity->tenant));
    identity->month_when = months->generation;
    return identity->month;
}

const struct month *months_find(struct core *core, struct slice tenant)
{
    look_at_calendar(core);
    return map_get(&core->months.by_key, key_of(core, tenant));
}

static void touch(struct months *months, struct month *month)
{
    list_remove(&month->unsaved);
    list_push(&months->unsaved, &month->unsaved);
}

void month_begin(struct core *core, struct month *month)
{
    add_pending(&core->months, month, 1);
}

void month_end(struct month *month)
{
    if (--month->pending == 0)
        list_remove(&month->under_way);
}

void month_count(struct core *core, struct month *month)
{
    month->calls++;
    month->turned++;
    if (!list_empty(&month->turn))
        return;
    list_push(&core->months.turned, &month->turn);
    touch(&core->months, month);
    journal_touch(core);
}

void month_warned(struct core *core, struct month *month, uint32_t percent)
{
    month->warned = percent;
    list_remove(&month->told);
    list_push(&core->months.told, &month->told);
    touch(&core->months, month);
    journal_touch(core);
}

uint64_t months_end_ms(const struct core *core)
{
    return calendar_month_ends(core->now.unix_ms / MS_PER_HOUR) * MS_PER_HOUR;
}

/* ---- the journal ---- */

static void put_entry(struct buf *content, const struct month *month, uint32_t number)
{
    journal_put(content, month->key.len, 2);
    buf_append(content, month->key.data, month->key.len);
    journal_put(content, number, 4);
}

/* False: there is none, or it makes no sense. */
static bool take_entry(struct slice *content, struct slice *key, uint32_t *number)
{
    if (content->len < 2)
        return false;
    size_t len = journal_take(content, 2);
    if (content->len < len + 4 || len <= CALENDAR_MONTH + 1)
        return false;
    *key = slice_make(content->data, len);
    *content = slice_make(content->data + len, content->len - len);
    *number = (uint32_t)journal_take(content, 4);
    return true;
}

static void write_turn(struct core *core, struct buf *content)
{
    size_t most = content->len + JOURNAL_SECTION_MAX;
    for (struct list *node; content->len < most && (node = list_first(&core->months.turned));) {
        struct month *month = LIST_ENTRY(node, struct month, turn);
        put_entry(content, month, month->turned);
        month->turned = 0;
        list_remove(node);
    }
    if (!list_empty(&core->months.turned))
        journal_touch(core);
}

static void read_tenant(struct core *core, uint64_t sequence, struct slice key, uint32_t calls)
{
    struct month *month = find(core, key);
    if (sequence <= month->absorbed)
        return;
    month->absorbed = sequence;
    month->calls += calls;
    touch(&core->months, month);
}

static int read_turn(struct core *core, const struct journal_block *block, struct slice content)
{
    struct slice key;
    uint32_t calls;
    while (take_entry(&content, &key, &calls))
        read_tenant(core, block->sequence, key, calls);
    return 0;
}

static void write_told(struct core *core, struct buf *content)
{
    for (struct list *node; (node = list_first(&core->months.told));) {
        const struct month *month = LIST_ENTRY(node, struct month, told);
        put_entry(content, month, month->warned);
        list_remove(node);
    }
}

/* It only grows, so that a block may be read again. */
static int read_told(struct core *core, const struct journal_block *block, struct slice content)
{
    struct slice key;
    uint32_t percent;
    (void)block;
    while (take_entry(&content, &key, &percent)) {
        struct month *month = find(core, key);
        if (percent <= month->warned)
            continue;
        month->warned = percent;
        touch(&core->months, month);
    }
    return 0;
}

/* ---- the books ---- */

static int put_row(struct core *core, const struct month *month)
{
    struct buf row = {0};
    journal_put(&row, FORMAT, 1);
    journal_put(&row, core->journal.ledger, 8);
    journal_put(&row, core->journal.sequence, 8);
    journal_put(&row, month->calls, 8);
    journal_put(&row, month->warned, 4);
    int err = core->io.put(core->io.arg, MONTHS_TABLE, month->key, buf_slice(&row));
    buf_finish(&row);
    return err;
}

static bool save_all(struct core *core)
{
    for (struct list *node; (node = list_first(&core->months.unsaved));) {
        struct month *month = LIST_ENTRY(node, struct month, unsaved);
        if (!load(core, month) || put_row(core, month) < 0)
            return false;
        list_remove(node);
    }
    return true;
}

const struct journal_section months_section = {
    .tag = JOURNAL_MONTHS,
    .write = write_turn,
    .save = save_all,
    .read = read_turn,
};

/* The row, which has it too, is saved with the month's calls. */
const struct journal_section months_told_section = {
    .tag = JOURNAL_QUOTA_TOLD,
    .write = write_told,
    .read = read_told,
};

static int read_row(void *arg, struct slice key, struct slice row)
{
    struct core *core = arg;
    if (key.len <= CALENDAR_MONTH + 1 || map_get(&core->months.by_key, key))
        return 0;
    struct month *month = create(&core->months, key);
    add_row(core, month, row);
    month->loaded = true;
    return 0;
}

void months_start(struct core *core)
{
    struct months *months = &core->months;
    map_init(&months->by_key);
    list_init(&months->turned);
    list_init(&months->told);
    list_init(&months->under_way);
    list_init(&months->unsaved);
    look_at_calendar(core);
    struct slice from = slice_make(months->now, CALENDAR_MONTH);
    if (core->io.scan_from(core->io.arg, MONTHS_TABLE, from, read_row, core) < 0)
        log_event(LOG_ERROR, "months.unreadable", "why",
                  "quotas begin anew: what was used of this month cannot be read", NULL);
}

void months_finish(struct core *core)
{
    size_t cursor = 0;
    for (struct month *month; (month = map_next(&core->months.by_key, &cursor));)
        mem_free(month);
    map_finish(&core->months.by_key);
}

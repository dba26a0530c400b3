#include "core/retention.h"

#include "base/log.h"
#include "core/state.h"

#include <errno.h>

#define ROWS_MAX 256u /* in one step */
#define STEP_NS (50 * NS_PER_MS)
#define REST_NS (600 * NS_PER_SEC) /* when there is nothing to do */
#define MS_PER_HOUR 3600000u
#define HOUR_AT (CALENDAR_DAY + 1) /* in the text of an hour */

static const char marker[] = "day";

/* ---- a stretch of rows ---- */

/* Copies, until the turn ends. */
struct stretch {
    struct core *core;
    struct slice time; /* rows of times that begin with this, or, if `before`, are before it */
    bool before;
    bool more; /* than fit; the cursor is at the next */
    size_t n;
    struct stretch_row {
        struct slice key, row;
    } rows[ROWS_MAX];
};

static void go_on_from(struct core *core, struct slice key)
{
    struct buf *cursor = &core->retention.cursor;
    cursor->len = 0;
    if (key.len > 0)
        buf_append(cursor, key.data, key.len);
}

static bool is_part(const struct stretch *stretch, struct slice key)
{
    if (key.len < stretch->time.len)
        return false;
    int order = memcmp(key.data, stretch->time.data, stretch->time.len);
    return stretch->before ? order < 0 : order == 0;
}

static int take(void *arg, struct slice key, struct slice row)
{
    struct stretch *stretch = arg;
    if (!is_part(stretch, key))
        return 1;
    if (stretch->n == ROWS_MAX) {
        go_on_from(stretch->core, key);
        stretch->more = true;
        return 1;
    }
    struct arena *arena = &stretch->core->arena;
    stretch->rows[stretch->n++] =
        (struct stretch_row){arena_copy(arena, key), arena_copy(arena, row)};
    return 0;
}

/* NULL: the books cannot be read now. */
static struct stretch *read_stretch(struct core *core, const char *table, struct slice time,
                                    bool before)
{
    struct stretch *stretch = arena_zalloc(&core->arena, sizeof *stretch);
    stretch->core = core;
    stretch->time = time;
    stretch->before = before;
    int rc =
        core->io.scan_from(core->io.arg, table, buf_slice(&core->retention.cursor), take, stretch);
    return rc < 0 ? NULL : stretch;
}

static void delete_rows(struct core *core, const struct stretch *stretch)
{
    for (size_t i = 0; i < stretch->n; i++)
        core->io.remove(core->io.arg, USAGE_TABLE, stretch->rows[i].key);
}

/* ---- days ---- */

/* The first day that is kept when so many are. */
static void first_kept(const struct core *core, uint32_t days, char *out)
{
    uint64_t hour = core->now.unix_ms / MS_PER_HOUR, back = (uint64_t)days * 24;
    calendar_print(hour > back ? hour - back : 0, out);
}

/* "2026-11-24T", with which the day's hours begin. */
static struct slice hours_of_day(struct core *core)
{
    return slice_of(arena_printf(&core->arena, "%sT", core->retention.day));
}

static uint32_t hour_bit(struct slice key)
{
    unsigned hour = (unsigned)(key.data[HOUR_AT] - '0') * 10 + (key.data[HOUR_AT + 1] - '0');
    return hour < 24 ? 1u << hour : 0;
}

static struct slice day_key(struct core *core, struct slice hour_key)
{
    size_t rest = hour_key.len - CALENDAR_HOUR;
    uint8_t *key = arena_alloc(&core->arena, CALENDAR_DAY + rest);
    memcpy(key, hour_key.data, CALENDAR_DAY);
    memcpy(key + CALENDAR_DAY, hour_key.data + CALENDAR_HOUR, rest);
    return slice_make(key, CALENDAR_DAY + rest);
}

/* A damaged row is gone, which the store has told. False: it cannot be read now. */
static bool read_day(struct core *core, struct slice key, struct usage_day *out)
{
    struct buf row = {0};
    int err = core->io.get(core->io.arg, USAGE_TABLE, key, &row);
    *out = (struct usage_day){0};
    if (err == 0 && !usage_read_day(out, buf_slice(&row)))
        log_event(LOG_ERROR, "usage.row_unreadable", NULL);
    buf_finish(&row);
    return err == 0 || err == -ENOENT || err == -EILSEQ;
}

static bool add_hour(struct core *core, const struct stretch_row *from)
{
    struct slice key = day_key(core, from->key);
    uint32_t bit = hour_bit(from->key);
    struct usage_day day;
    struct usage usage;
    if (!usage_read_row(&usage, from->row) || bit == 0)
        return true; /* it is nobody's usage */
    if (!read_day(core, key, &day))
        return false;
    if (day.hours & bit)
        return true;
    struct buf row = {0};
    day.hours |= bit;
    usage_add(&day.usage, &usage);
    usage_put_day(&row, &day);
    int err = core->io.put(core->io.arg, USAGE_TABLE, key, buf_slice(&row));
    buf_finish(&row);
    return err == 0;
}

bool retention_has_added(struct core *core, struct slice key)
{
    const char *day = core->retention.day;
    struct usage_day row;
    if (!day[0] || key.len < CALENDAR_HOUR || memcmp(key.data, day, CALENDAR_DAY) != 0 ||
        key.data[CALENDAR_DAY] != 'T')
        return false;
    return read_day(core, day_key(core, key), &row) && (row.hours & hour_bit(key)) != 0;
}

/* ---- the steps: each says after how long the next one follows ---- */

static uint64_t enter(struct core *core, enum retention_phase phase, struct slice from)
{
    core->retention.phase = phase;
    go_on_from(core, from);
    return STEP_NS;
}

static void read_marker(struct core *core)
{
    struct retention *retention = &core->retention;
    struct buf day = {0};
    int err = core->io.get(core->io.arg, RETENTION_TABLE, slice_of(marker), &day);
    if (err == 0 && day.len == CALENDAR_DAY)
        memcpy(retention->day, day.data, CALENDAR_DAY);
    retention->knows = err == 0 || err == -ENOENT || err == -EILSEQ;
    buf_finish(&day);
}

static uint64_t begin(struct core *core)
{
    if (!core->retention.knows)
        read_marker(core);
    if (!core->retention.knows || core->journal.trimmed < core->journal.found)
        return STEP_NS;
    return enter(core, RETENTION_DELETE, slice_make(NULL, 0));
}

/* What is too old in that table; NULL: the books cannot be read now. */
static struct stretch *read_old(struct core *core, const char *table)
{
    char first[CALENDAR_HOUR + 1];
    first_kept(core, core->limits.usage_kept, first);
    return read_stretch(core, table, slice_make(first, CALENDAR_DAY), true);
}

static uint64_t delete_old(struct core *core)
{
    if (core->limits.usage_kept == 0)
        return enter(core, RETENTION_LOOK, slice_make(NULL, 0));
    struct stretch *old = read_old(core, USAGE_TABLE);
    if (!old)
        return STEP_NS;
    delete_rows(core, old);
    return old->more ? STEP_NS : enter(core, RETENTION_DELETE_CREDITS, slice_make(NULL, 0));
}

static uint64_t delete_old_credits(struct core *core)
{
    struct stretch *old = read_old(core, CREDITS_TABLE);
    if (!old)
        return STEP_NS;
    for (size_t i = 0; i < old->n; i++)
        credits_remove(core, old->rows[i].key);
    return old->more ? STEP_NS : enter(core, RETENTION_LOOK, slice_make(NULL, 0));
}

struct search {
    bool found;
    char day[CALENDAR_DAY];
};

static int first_hour(void *arg, struct slice key, struct slice row)
{
    struct search *search = arg;
    (void)row;
    if (key.len < CALENDAR_HOUR || key.data[CALENDAR_DAY] != 'T')
        return 0;
    memcpy(search->day, key.data, CALENDAR_DAY);
    search->found = true;
    return 1;
}

/* The marker is on disk before anything of that day changes. */
static uint64_t turn_to(struct core *core, const char *day)
{
    struct retention *retention = &core->retention;
    if (core->io.put(core->io.arg, RETENTION_TABLE, slice_of(marker),
                     slice_make(day, CALENDAR_DAY)) < 0)
        return STEP_NS;
    memcpy(retention->day, day, CALENDAR_DAY);
    retention->awaited = journal_await(core);
    return enter(core, RETENTION_ADD, hours_of_day(core));
}

static uint64_t look(struct core *core)
{
    struct search search = {.found = false};
    char first[CALENDAR_HOUR + 1];
    struct slice from = core->retention.day[0] ? hours_of_day(core) : slice_make(NULL, 0);
    if (core->limits.usage_hours_kept == 0 ||
        core->io.scan_from(core->io.arg, USAGE_TABLE, from, first_hour, &search) < 0)
        search.found = false;
    first_kept(core, core->limits.usage_hours_kept, first);
    if (search.found && memcmp(search.day, first, CALENDAR_DAY) < 0)
        return turn_to(core, search.day);
    enter(core, RETENTION_DELETE, slice_make(NULL, 0));
    return REST_NS;
}

static uint64_t add(struct core *core)
{
    struct stretch *hours = read_stretch(core, USAGE_TABLE, hours_of_day(core), false);
    for (size_t i = 0; hours && i < hours->n; i++) {
        if (!add_hour(core, &hours->rows[i])) {
            go_on_from(core, hours->rows[i].key);
            return STEP_NS;
        }
    }
    if (!hours || hours->more)
        return STEP_NS;
    core->retention.awaited = journal_await(core);
    return enter(core, RETENTION_REMOVE, hours_of_day(core));
}

static uint64_t remove_hours(struct core *core)
{
    struct stretch *hours = read_stretch(core, USAGE_TABLE, hours_of_day(core), false);
    if (!hours)
        return STEP_NS;
    delete_rows(core, hours);
    if (hours->more)
        return STEP_NS;
    log_event(LOG_INFO, "usage.rolled_up", "day", core->retention.day, NULL);
    core->retention.awaited = journal_await(core);
    return enter(core, RETENTION_DELETE, slice_make(NULL, 0));
}

static void on_timer(struct timer *timer, void *arg)
{
    static uint64_t (*const steps[])(struct core * core) = {
        [RETENTION_BEGIN] = begin,
        [RETENTION_DELETE] = delete_old,
        [RETENTION_DELETE_CREDITS] = delete_old_credits,
        [RETENTION_LOOK] = look,
        [RETENTION_ADD] = add,
        [RETENTION_REMOVE] = remove_hours,
    };
    struct core *core = arg;
    struct retention *retention = &core->retention;
    uint64_t pause = STEP_NS;
    if (core->journal.kept >= retention->awaited) {
        retention->awaited = 0;
        pause = steps[retention->phase](core);
    }
    wheel_arm(&core->wheel, timer, core->now.mono_ns + pause);
}

void retention_start(struct core *core)
{
    struct retention *retention = &core->retention;
    read_marker(core);
    timer_init(&retention->timer, on_timer);
    wheel_arm(&core->wheel, &retention->timer, core->now.mono_ns + STEP_NS);
}

void retention_finish(struct core *core)
{
    buf_finish(&core->retention.cursor);
}

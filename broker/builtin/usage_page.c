#include "builtin/usage_page.h"

#include "base/map.h"
#include "core/state.h"

#include <stdlib.h>

#define PAGE_ENDS 1 /* what `look_at` stops a scan with */

struct reading {
    struct core *core;
    const struct usage_question *question;
    struct usage_page *page;
    struct map by_key;
    uint64_t looked_at;
};

static struct slice copy(struct core *core, struct slice text)
{
    return slice_make(arena_text(&core->arena, text), text.len);
}

/* The end is a beginning, too: "2026-11" has all of November in it. */
static bool is_past(struct slice hour, struct slice end)
{
    size_t len = end.len < hour.len ? end.len : hour.len;
    return len > 0 && memcmp(hour.data, end.data, len) > 0;
}

static bool is_wanted(const struct usage_question *question, const struct slice *parts)
{
    for (unsigned part = USAGE_TENANT; part < USAGE_PARTS; part++) {
        if (question->wanted[part].len > 0 && !slice_equal(question->wanted[part], parts[part]))
            return false;
    }
    return true;
}

/* What it is grouped by, one behind the other; views into the row's key otherwise. */
static struct slice name_group(struct reading *reading, struct slice *parts)
{
    const struct usage_question *question = reading->question;
    size_t len = 0;
    for (unsigned part = 0; part < USAGE_PARTS; part++) {
        if (!question->by[part])
            parts[part] = slice_make(NULL, 0);
        len += parts[part].len + 1;
    }
    uint8_t *name = arena_zalloc(&reading->core->arena, len);
    uint8_t *at = name;
    for (unsigned part = 0; part < USAGE_PARTS; part++) {
        if (parts[part].len > 0)
            memcpy(at, parts[part].data, parts[part].len);
        at += parts[part].len + 1;
    }
    return slice_make(name, len);
}

/* NULL: there are as many as fit. */
static struct usage_group *group_of(struct reading *reading, struct slice *parts)
{
    struct arena *arena = &reading->core->arena;
    struct usage_page *page = reading->page;
    struct slice name = name_group(reading, parts);
    struct usage_group *group = map_get(&reading->by_key, name);
    if (group || page->n_groups == USAGE_PAGE_GROUPS)
        return group;
    group = arena_zalloc(arena, sizeof *group);
    for (unsigned part = 0; part < USAGE_PARTS; part++)
        group->parts[part] = copy(reading->core, parts[part]);
    map_put(&reading->by_key, name, group);
    page->groups[page->n_groups++] = group;
    return group;
}

static int end_before(struct reading *reading, struct slice key)
{
    reading->page->next = copy(reading->core, key);
    return PAGE_ENDS;
}

static int look_at(void *arg, struct slice key, struct slice row)
{
    struct reading *reading = arg;
    const struct usage_question *question = reading->question;
    struct usage_key names;
    struct usage usage;
    if (!usage_read_key(&names, key) || !usage_read_row(&usage, row))
        return 0; /* the meter has said so */
    struct slice parts[USAGE_PARTS] = {names.time, names.tenant, names.user, names.service,
                                       names.method};
    if (is_past(names.time, question->to))
        return PAGE_ENDS;
    if (reading->looked_at++ == question->rows)
        return end_before(reading, key);
    if (!is_wanted(question, parts) || retention_has_added(reading->core, key))
        return 0;
    if (parts[USAGE_TIME].len > question->time_len)
        parts[USAGE_TIME].len = question->time_len;
    struct usage_group *group = group_of(reading, parts);
    if (!group)
        return end_before(reading, key);
    usage_add(&group->usage, &usage);
    return 0;
}

static int in_order(const void *a, const void *b)
{
    const struct usage_group *left = *(const struct usage_group *const *)a;
    const struct usage_group *right = *(const struct usage_group *const *)b;
    for (unsigned part = 0; part < USAGE_PARTS; part++) {
        struct slice x = left->parts[part], y = right->parts[part];
        size_t len = x.len < y.len ? x.len : y.len;
        int order = len ? memcmp(x.data, y.data, len) : 0;
        if (order == 0)
            order = (x.len > y.len) - (x.len < y.len);
        if (order != 0)
            return order;
    }
    return 0;
}

int usage_page_read(struct core *core, const struct usage_question *question,
                    struct usage_page *out)
{
    struct reading reading = {.core = core, .question = question, .page = out};
    struct slice start = question->cursor.len > 0 ? question->cursor : question->from;
    *out = (struct usage_page){
        .groups = arena_alloc(&core->arena, USAGE_PAGE_GROUPS * sizeof(struct usage_group *))};
    map_init(&reading.by_key);
    int rc = core->io.scan_from(core->io.arg, USAGE_TABLE, start, look_at, &reading);
    map_finish(&reading.by_key);
    qsort(out->groups, out->n_groups, sizeof *out->groups, in_order);
    return rc == PAGE_ENDS ? 0 : rc;
}

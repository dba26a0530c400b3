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
    size_t table; /* in `tables` */
};

/* The end is a beginning, too: "2026-11" has all of November in it. */
bool usage_is_past(struct slice hour, struct slice end)
{
    size_t len = end.len < hour.len ? end.len : hour.len;
    return len > 0 && memcmp(hour.data, end.data, len) > 0;
}

bool usage_is_wanted(const struct usage_question *question, const struct usage_key *of)
{
    const struct slice parts[USAGE_PARTS] = {of->time, of->tenant, of->user, of->service,
                                             of->method};
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
    for (unsigned part = 0; part < USAGE_PARTS; part++) {
        if (!question->by[part])
            parts[part] = slice_make(NULL, 0);
    }
    return arena_join(&reading->core->arena, parts, USAGE_PARTS);
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
        group->parts[part] = arena_copy(arena, parts[part]);
    map_put(&reading->by_key, name, group);
    page->groups[page->n_groups++] = group;
    return group;
}

/* The cursor: which table, and the key. */
static int end_before(struct reading *reading, struct slice key)
{
    uint8_t *cursor = arena_alloc(&reading->core->arena, 1 + key.len);
    cursor[0] = (uint8_t)reading->table;
    memcpy(cursor + 1, key.data, key.len);
    reading->page->next = slice_make(cursor, 1 + key.len);
    return PAGE_ENDS;
}

/* A record of either table, of that row; `counts`: it is not counted elsewhere. */
static int add(struct reading *reading, struct slice key, const struct usage_key *of, bool counts,
               const struct usage_group *more)
{
    const struct usage_question *question = reading->question;
    struct slice parts[USAGE_PARTS] = {of->time, of->tenant, of->user, of->service, of->method};
    if (usage_is_past(of->time, question->to))
        return PAGE_ENDS;
    if (reading->looked_at++ == question->rows)
        return end_before(reading, key);
    if (!counts || !usage_is_wanted(question, of))
        return 0;
    if (parts[USAGE_TIME].len > question->time_len)
        parts[USAGE_TIME].len = question->time_len;
    struct usage_group *group = group_of(reading, parts);
    if (!group)
        return end_before(reading, key);
    usage_add(&group->usage, &more->usage);
    group->voided += more->voided;
    return 0;
}

/* What is not one of ours, the meter has said. */
static int add_row(void *arg, struct slice key, struct slice row)
{
    struct reading *reading = arg;
    struct usage_key of;
    struct usage_group more = {0};
    if (!usage_read_key(&of, key) || !usage_read_row(&more.usage, row))
        return 0;
    return add(reading, key, &of, !retention_has_added(reading->core, key), &more);
}

static int add_credit(void *arg, struct slice key, struct slice record)
{
    struct credit credit;
    if (!credit_read(&credit, key, record))
        return 0;
    const struct usage_group more = {.voided = credit.calls};
    return add(arg, key, &credit.of, true, &more);
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

static const struct part_of_books {
    const char *table;
    int (*add)(void *arg, struct slice key, struct slice record);
} tables[] = {{USAGE_TABLE, add_row}, {CREDITS_TABLE, add_credit}};
#define TABLES (sizeof tables / sizeof *tables)

/* From the cursor, or from the beginning of that table on. */
static int read_table(struct reading *reading, struct slice cursor)
{
    const struct part_of_books *from = &tables[reading->table];
    bool resumes = cursor.len > 0 && cursor.data[0] == reading->table;
    struct slice start =
        resumes ? slice_make(cursor.data + 1, cursor.len - 1) : reading->question->from;
    struct core *core = reading->core;
    int rc = core->io.scan_from(core->io.arg, from->table, start, from->add, reading);
    return rc < 0 ? rc : 0;
}

int usage_page_read(struct core *core, const struct usage_question *question,
                    struct usage_page *out)
{
    struct reading reading = {.core = core, .question = question, .page = out};
    struct slice cursor = question->cursor;
    int rc = 0;
    *out = (struct usage_page){
        .groups = arena_alloc(&core->arena, USAGE_PAGE_GROUPS * sizeof(struct usage_group *))};
    map_init(&reading.by_key);
    reading.table = cursor.len > 0 ? cursor.data[0] : 0;
    for (; rc == 0 && out->next.len == 0 && reading.table < TABLES; reading.table++)
        rc = read_table(&reading, cursor);
    map_finish(&reading.by_key);
    qsort(out->groups, out->n_groups, sizeof *out->groups, in_order);
    return rc;
}

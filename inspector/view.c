#include "view.h"

#include "base/clock.h"
#include "copy.h"
#include "human.h"
#include "payload.h"
#include "table.h"

#include <stdio.h>

static bool is_number(enum unit unit)
{
    return unit >= UNIT_COUNT && unit <= UNIT_SINCE;
}

static enum tone tone_of(struct slice state)
{
    if (slice_is(state, "ready") || slice_is(state, "active"))
        return TONE_GOOD;
    if (slice_is(state, "down") || slice_is(state, "lost"))
        return TONE_BAD;
    return TONE_WARNING;
}

static void write_plain(struct buf *out, const fbx_value *value)
{
    if (value->type == FBX_TEXT)
        buf_append(out, value->as.bytes.data, value->as.bytes.len);
    else if (value->type == FBX_BOOL)
        buf_printf(out, value->as.boolean ? "yes" : "no");
    else if (value->type == FBX_UINT)
        buf_printf(out, "%llu", (unsigned long long)value->as.natural);
    else if (value->type == FBX_INT)
        buf_printf(out, "%lld", (long long)value->as.integer);
    else if (value->type == FBX_DOUBLE)
        buf_printf(out, "%g", value->as.real);
}

static void write_list(struct buf *out, const fbx_value *array)
{
    const unsigned char *cursor = NULL;
    fbx_value element;
    size_t start = out->len;
    while (fbx_next(array, &cursor, &element)) {
        buf_printf(out, "%s", out->len > start ? " " : "");
        write_plain(out, &element);
    }
}

static void write_since(struct buf *out, uint64_t unix_ms)
{
    uint64_t now = clock_now().unix_ms;
    human_span(out, now > unix_ms ? now - unix_ms : 0);
}

static void write_number(struct buf *out, uint64_t number, enum unit unit)
{
    switch (unit) {
    case UNIT_COUNT:
        human_count(out, number);
        break;
    case UNIT_LIMIT:
        if (number)
            human_count(out, number);
        break;
    case UNIT_BYTES:
        human_bytes(out, number);
        break;
    case UNIT_MICROS:
        if (number) /* nothing takes no time: there was nothing to measure */
            human_micros(out, number);
        break;
    case UNIT_NANOS:
        human_nanos(out, number);
        break;
    case UNIT_WAIT:
        if (number)
            human_span(out, number);
        break;
    case UNIT_SPAN:
        human_span(out, number);
        break;
    case UNIT_SINCE:
        write_since(out, number);
        break;
    case UNIT_MOMENT:
        if (number)
            human_date(out, (int64_t)(number / 1000));
        break;
    default:
        human_date(out, (int64_t)number);
        break;
    }
}

static void write_value(struct buf *out, const fbx_value *value, enum unit unit)
{
    if (unit == UNIT_JSON && value->type != FBX_NONE)
        copy_json(out, value);
    else if (value->type == FBX_ARRAY)
        write_list(out, value);
    else if (value->type == FBX_UINT && unit >= UNIT_COUNT)
        write_number(out, value->as.natural, unit);
    else
        write_plain(out, value);
}

/* "store.commits" is a field of a map in the map. */
static fbx_value find(const fbx_value *map, const char *path)
{
    char outer[40];
    const char *dot = strchr(path, '.');
    if (!dot)
        return fbx_map_get(map, path);
    snprintf(outer, sizeof outer, "%.*s", (int)(dot - path), path);
    fbx_value inner = fbx_map_get(map, outer);
    return fbx_map_get(&inner, dot + 1);
}

static void add_cell(struct table *table, const fbx_value *map, const struct column *column)
{
    struct buf text = {0};
    fbx_value value = find(map, column->key);
    write_value(&text, &value, column->unit);
    struct slice shown = buf_slice(&text);
    table_add(table, shown, column->unit == UNIT_STATE ? tone_of(shown) : TONE_PLAIN);
    buf_finish(&text);
}

static void fill_table(struct table *table, const fbx_value *array, const struct column *columns)
{
    const unsigned char *cursor = NULL;
    fbx_value map;
    while (fbx_next(array, &cursor, &map))
        for (unsigned c = 0; columns[c].title; c++)
            add_cell(table, &map, &columns[c]);
}

static void show_list(struct buf *out, const struct cli *cli, const fbx_value *array,
                      const struct column *columns, const char *things, bool sorted)
{
    struct table_head heads[TABLE_COLUMNS_MAX];
    struct table table;
    unsigned n = 0;
    for (; columns[n].title; n++)
        heads[n] = (struct table_head){columns[n].title, is_number(columns[n].unit)};
    table_init(&table, heads, n);
    fill_table(&table, array, columns);
    if (sorted)
        table_sort(&table);
    if (table_rows(&table))
        table_print(&table, cli->colour, out);
    else
        buf_printf(out, "no %s\n", things);
    table_finish(&table);
}

void view_list(struct buf *out, const struct cli *cli, const fbx_value *array,
               const struct column *columns, const char *things)
{
    show_list(out, cli, array, columns, things, false);
}

void view_sorted(struct buf *out, const struct cli *cli, const fbx_value *array,
                 const struct column *columns, const char *things)
{
    show_list(out, cli, array, columns, things, true);
}

void view_item(struct buf *out, const struct cli *cli, const fbx_value *map,
               const struct column *columns)
{
    static const struct table_head untitled[] = {{NULL, false}, {NULL, false}};
    struct table table;
    table_init(&table, untitled, 2);
    for (; columns->title; columns++) {
        table_add(&table, slice_of(columns->title), TONE_PLAIN);
        add_cell(&table, map, columns);
    }
    table_print(&table, cli->colour, out);
    table_finish(&table);
}

void view_line(struct buf *out, const fbx_value *map, const struct column *columns)
{
    const char *before = "";
    struct buf text = {0};
    for (; columns->title; columns++) {
        fbx_value value = find(map, columns->key);
        text.len = 0;
        write_value(&text, &value, columns->unit);
        buf_printf(out, "%s%s ", before, columns->title);
        human_text(out, text.len ? buf_slice(&text) : slice_of("-"));
        before = ", ";
    }
    buf_printf(out, "\n");
    buf_finish(&text);
}

void view_next(struct buf *out, const fbx_value *answer)
{
    fbx_value next = fbx_map_get(answer, "next");
    if (next.type == FBX_TEXT && next.as.bytes.len > 0)
        buf_printf(out, "more: --after %.*s\n", (int)next.as.bytes.len,
                   (const char *)next.as.bytes.data);
}

void view_json(struct buf *out, const fbx_reply *reply)
{
    payload_to_json(out, fbx_reply_payload(reply), fbx_reply_content_type(reply));
    buf_append(out, "\n", 1);
}

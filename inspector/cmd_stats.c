#include "ask.h"
#include "human.h"
#include "table.h"
#include "view.h"
#include "watch.h"

static const struct opt options[] = {WATCH_OPTION, {0}};

static const struct column broker[] = {
    {"version", "version", UNIT_TEXT},
    {"boot", "boot", UNIT_TEXT},
    {"up", "uptime_ms", UNIT_SPAN},
    {"memory", "memory_bytes", UNIT_BYTES},
    {"sessions", "sessions", UNIT_COUNT},
    {"connections", "connections", UNIT_COUNT},
    {"calls", "calls", UNIT_COUNT},
    {"pending", "calls_pending", UNIT_COUNT},
    {"one-shot", "one_shot", UNIT_COUNT},
    {"p50", "p50_us", UNIT_MICROS},
    {"p99", "p99_us", UNIT_MICROS},
    {"published", "published", UNIT_COUNT},
    {"delivered", "delivered", UNIT_COUNT},
    {"missed", "missed", UNIT_COUNT},
    {"turns", "turns", UNIT_COUNT},
    {"frames in", "frames_in", UNIT_COUNT},
    {"frames out", "frames_out", UNIT_COUNT},
    {"bytes in", "bytes_in", UNIT_BYTES},
    {"bytes out", "bytes_out", UNIT_BYTES},
    {"store commits", "store.commits", UNIT_COUNT},
    {"store queued", "store.queued", UNIT_COUNT},
    {"store quarantined", "store.quarantined", UNIT_COUNT},
    {"store error", "store.error", UNIT_TEXT},
    {0},
};

static const struct column filter[] = {
    {"FILTER", "name", UNIT_TEXT},
    {"PASSED", "passed", UNIT_COUNT},
    {"REFUSED", "refused", UNIT_COUNT},
    {"EACH", "ns", UNIT_NANOS},
    {0},
};

/* A map of outcomes to counts, so its columns are not known beforehand. */
static void put_errors(struct buf *out, const struct cli *cli, const fbx_value *errors)
{
    static const struct table_head heads[] = {{"ERROR", false}, {"CALLS", true}};
    struct table table;
    struct buf count = {0};
    const unsigned char *cursor = NULL;
    fbx_value key, value;
    table_init(&table, heads, 2);
    while (fbx_next(errors, &cursor, &key) && fbx_next(errors, &cursor, &value)) {
        count.len = 0;
        human_count(&count, (uint64_t)fbx_as_int(&value, 0));
        table_add(&table, slice_make(key.as.bytes.data, key.as.bytes.len), TONE_PLAIN);
        table_add(&table, buf_slice(&count), TONE_PLAIN);
    }
    if (table_rows(&table)) {
        buf_printf(out, "\n");
        table_print(&table, cli->colour, out);
    }
    table_finish(&table);
    buf_finish(&count);
}

static void put_stats(struct buf *out, const struct cli *cli, const fbx_value *stats)
{
    fbx_value filters = fbx_map_get(stats, "filters");
    fbx_value errors = fbx_map_get(stats, "errors");
    view_item(out, cli, stats, broker);
    buf_printf(out, "\n");
    view_list(out, cli, &filters, filter, "filters");
    if (errors.type == FBX_MAP)
        put_errors(out, cli, &errors);
}

static int show(struct cli *cli, const struct args *args, struct buf *out)
{
    fbx_reply *reply;
    fbx_value stats;
    (void)args;
    int code = ask_broker(cli, "bus.stats", "show", NULL, &reply);
    if (!reply)
        return code;
    if (cli->json)
        view_json(out, reply);
    else if (fbx_read(fbx_reply_payload(reply), &stats))
        put_stats(out, cli, &stats);
    fbx_reply_free(reply);
    return code;
}

static int run(struct cli *cli, const struct args *args)
{
    return watch_run(cli, args, show);
}

const struct command command_stats = {
    .noun = "stats",
    .verb = "show",
    .arguments = "",
    .summary = "show the broker's counters",
    .about = "Needs admin:stats.",
    .options = options,
    .usual = true,
    .run = run,
};

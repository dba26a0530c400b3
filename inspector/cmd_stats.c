#include "human.h"
#include "inquiry.h"
#include "table.h"
#include "view.h"

static const struct opt options[] = {WATCH_OPTION, {0}};

struct group {
    const char *title;
    const struct column *columns;
};

static const struct group groups[] = {
    {"broker", (const struct column[]){{"version", "version", UNIT_TEXT},
                                       {"boot", "boot", UNIT_TEXT},
                                       {"up", "uptime_ms", UNIT_SPAN},
                                       {"memory", "memory_bytes", UNIT_BYTES},
                                       {"turns", "turns", UNIT_COUNT},
                                       {0}}},
    {"clients", (const struct column[]){{"sessions", "sessions", UNIT_COUNT},
                                        {"connections", "connections", UNIT_COUNT},
                                        {"identities", "identities", UNIT_COUNT},
                                        {0}}},
    {"calls", (const struct column[]){{"calls", "calls", UNIT_COUNT},
                                      {"pending", "calls_pending", UNIT_COUNT},
                                      {"one-shot", "one_shot", UNIT_COUNT},
                                      {"p50", "p50_us", UNIT_MICROS},
                                      {"p99", "p99_us", UNIT_MICROS},
                                      {0}}},
    {"events", (const struct column[]){{"published", "published", UNIT_COUNT},
                                       {"delivered", "delivered", UNIT_COUNT},
                                       {"missed", "missed", UNIT_COUNT},
                                       {0}}},
    {"traffic", (const struct column[]){{"frames in", "frames_in", UNIT_COUNT},
                                        {"frames out", "frames_out", UNIT_COUNT},
                                        {"bad frames", "bad_frames", UNIT_COUNT},
                                        {"bytes in", "bytes_in", UNIT_BYTES},
                                        {"bytes out", "bytes_out", UNIT_BYTES},
                                        {0}}},
    {"store", (const struct column[]){{"commits", "store.commits", UNIT_COUNT},
                                      {"queued", "store.queued", UNIT_COUNT},
                                      {"quarantined", "store.quarantined", UNIT_COUNT},
                                      {"error", "store.error", UNIT_TEXT},
                                      {0}}},
    {"journal", (const struct column[]){{"blocks", "journal.blocks", UNIT_COUNT},
                                        {"waiting", "journal.waiting", UNIT_COUNT},
                                        {"held", "journal.held", UNIT_COUNT},
                                        {"ledger", "journal.ledger", UNIT_TEXT},
                                        {"books", "journal.books", UNIT_TEXT},
                                        {0}}},
};

static const struct column filter[] = {
    {"FILTER", "name", UNIT_TEXT},      {"PASSED", "passed", UNIT_COUNT},
    {"REFUSED", "refused", UNIT_COUNT}, {"WAITED", "waited", UNIT_COUNT},
    {"EACH", "ns", UNIT_NANOS},         {0},
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

/* A line for each group keeps all of it on one screen, where it can be watched. */
static void show(struct buf *out, const struct cli *cli, const fbx_value *stats)
{
    fbx_value filters = fbx_map_get(stats, "filters");
    fbx_value errors = fbx_map_get(stats, "errors");
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        buf_printf(out, "%-9s", groups[i].title);
        view_line(out, stats, groups[i].columns);
    }
    buf_printf(out, "\n");
    view_list(out, cli, &filters, filter, "filters");
    if (errors.type == FBX_MAP)
        put_errors(out, cli, &errors);
}

static int run(struct cli *cli, const struct args *args)
{
    return inquiry_run(cli, args, &(struct inquiry){"bus.stats", "show", NULL, show});
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

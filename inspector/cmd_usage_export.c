#include "args.h"
#include "usage_sums.h"
#include "wire/json.h"

#include <string.h>

static const struct opt options[] = {
    USAGE_OPTIONS,
    {.name = "source",
     .kind = OPT_TEXT,
     .value = "URI",
     .help = "who says so: the events' source; farebox unless told otherwise"},
    {0},
};

static const char *const by[] = {"hour", "tenant", "user", "service", "method"};

static void write_pair(fbx_writer *w, const char *key, const char *value)
{
    fbx_write_text(w, key);
    fbx_write_text(w, value);
}

static void write_data(fbx_writer *w, const struct usage_sum *sum)
{
    fbx_write_text(w, "data");
    fbx_write_map(w, USAGE_NAMES - 1 + USAGE_FIGURES);
    for (unsigned i = USAGE_TENANT; i < USAGE_NAMES; i++)
        write_pair(w, usage_names[i], sum->names[i]);
    for (unsigned i = 0; i < USAGE_FIGURES; i++) {
        fbx_write_text(w, usage_figures[i]);
        fbx_write_uint(w, sum->figures[i]);
    }
}

/* CloudEvents 1.0, structured mode. The same row has the same id for ever, so that whoever takes it
 * in twice has it once. */
static void write_event(struct buf *out, const struct usage_sum *sum, const char *source)
{
    fbx_writer w = {0};
    struct buf id = {0}, time = {0};
    buf_printf(&id, "%s/%s/%s/%s/%s", sum->names[USAGE_TIME], sum->names[USAGE_TENANT],
               sum->names[USAGE_USER], sum->names[USAGE_SERVICE], sum->names[USAGE_METHOD]);
    buf_append(&id, "", 1);
    buf_printf(&time, "%s:00:00Z", sum->names[USAGE_TIME]);
    buf_append(&time, "", 1);
    fbx_write_map(&w, 8);
    write_pair(&w, "specversion", "1.0");
    write_pair(&w, "id", (const char *)id.data);
    write_pair(&w, "source", source);
    write_pair(&w, "type", "farebox.usage");
    write_pair(&w, "time", (const char *)time.data);
    write_pair(&w, "subject", sum->names[USAGE_TENANT]);
    write_pair(&w, "datacontenttype", "application/json");
    write_data(&w, sum);
    fbx_bytes made = fbx_written(&w);
    (void)json_from_msgpack(out, slice_make(made.data, made.len), NULL);
    buf_append(out, "\n", 1);
    fbx_writer_free(&w);
    buf_finish(&id);
    buf_finish(&time);
}

/* Rows of days have other ids than those of the hours that they were: whoever took those in would
 * have them twice. */
static size_t write_hours(struct buf *out, const struct usage_sums *sums, const char *source)
{
    size_t days = 0;
    for (size_t i = 0; i < sums->count; i++) {
        const char *time = sums->list[i].names[USAGE_TIME];
        if (strlen(time) < sizeof "2026-11-24T13" - 1)
            days++;
        else if (strcmp(time, sums->hour) < 0)
            write_event(out, &sums->list[i], source);
    }
    return days;
}

static int run(struct cli *cli, const struct args *args)
{
    struct usage_sums sums;
    struct buf out = {0};
    int code = cli_connect(cli, args);
    if (!code)
        code = usage_sums_ask(&sums, cli, args, by, sizeof by / sizeof *by);
    if (code)
        return code;
    size_t days = write_hours(&out, &sums, args_text(args, "source", "farebox"));
    usage_sums_finish(&sums);
    code = cli_write(cli, buf_slice(&out));
    buf_finish(&out);
    if (!code && days > 0)
        code = cli_fail(cli, EXIT_BAD_INPUT,
                        "%zu rows were left out: they are kept by the day by now, not by the hour",
                        days);
    return code;
}

const struct command command_usage_export = {
    .noun = "usage",
    .verb = "export",
    .arguments = "",
    .summary = "print usage as CloudEvents, for a billing system",
    .about =
        "A line of JSON for each hour, tenant, user, service and method; only of hours that are "
        "over, whose figures change no more. The same row always has the same id.",
    .options = options,
    .run = run,
};

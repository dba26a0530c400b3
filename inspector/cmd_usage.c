#include "args.h"
#include "csv.h"
#include "table.h"
#include "usage_asking.h"
#include "usage_sums.h"
#include "wire/json.h"

#include <inttypes.h>
#include <string.h>

static const struct opt options[] = {
    USAGE_OPTIONS,
    {.name = "by",
     .kind = OPT_CHOICE,
     .value = "hour|day|month|tenant|user|service|method",
     .help = "a line for each; may be repeated; tenant unless told otherwise"},
    {.name = "csv", .kind = OPT_FLAG, .help = "comma-separated values, with a line of titles"},
    {0},
};

#define BY_MAX 7u

static uint32_t read_by(const struct args *args, const char **by)
{
    unsigned cursor = 0;
    uint32_t n = 0;
    for (const char *name; n < BY_MAX && (name = args_next(args, "by", &cursor));)
        by[n++] = name;
    if (n == 0)
        by[n++] = "tenant";
    return n;
}

/* Which names there are, in their order; `by` may repeat itself. */
static unsigned columns_of(const char *const *by, uint32_t n_by, enum usage_name *out)
{
    unsigned n = 0;
    for (unsigned name = 0; name < USAGE_NAMES; name++) {
        bool wanted = false;
        for (uint32_t i = 0; i < n_by; i++) {
            bool time = strcmp(by[i], "hour") == 0 || strcmp(by[i], "day") == 0 ||
                        strcmp(by[i], "month") == 0;
            wanted |= name == USAGE_TIME ? time : strcmp(by[i], usage_names[name]) == 0;
        }
        if (wanted)
            out[n++] = name;
    }
    return n;
}

/* ---- for people ---- */

static const char *const titles[USAGE_NAMES] = {"TIME", "TENANT", "USER", "SERVICE", "METHOD"};
static const char *const figure_titles[USAGE_FIGURES] = {"CALLS",     "ERRORS",  "BYTES IN",
                                                         "BYTES OUT", "SECONDS", "VOIDED"};

/* Exact: it is the bill. */
static void add_figures(struct table *table, const uint64_t *figures)
{
    struct buf text = {0};
    for (unsigned i = 0; i < USAGE_FIGURES; i++) {
        text.len = 0;
        if (i == USAGE_DURATION_US)
            buf_printf(&text, "%" PRIu64 ".%03u", figures[i] / 1000000,
                       (unsigned)(figures[i] / 1000 % 1000));
        else
            buf_printf(&text, "%" PRIu64, figures[i]);
        table_add(table, buf_slice(&text), TONE_PLAIN);
    }
    buf_finish(&text);
}

static void print_table(struct buf *out, const struct cli *cli, const struct usage_sums *sums,
                        const enum usage_name *names, unsigned n_names)
{
    struct table_head heads[USAGE_NAMES + USAGE_FIGURES];
    struct table table;
    for (unsigned i = 0; i < n_names; i++)
        heads[i] = (struct table_head){titles[names[i]], false};
    for (unsigned i = 0; i < USAGE_FIGURES; i++)
        heads[n_names + i] = (struct table_head){figure_titles[i], true};
    table_init(&table, heads, n_names + USAGE_FIGURES);
    for (size_t row = 0; row < sums->count; row++) {
        for (unsigned i = 0; i < n_names; i++)
            table_add(&table, slice_of(sums->list[row].names[names[i]]), TONE_PLAIN);
        add_figures(&table, sums->list[row].figures);
    }
    for (unsigned i = 0; i < n_names; i++)
        table_add(&table, slice_of(i == 0 ? "total" : " "), TONE_PLAIN);
    add_figures(&table, sums->total);
    table_print(&table, cli->colour, out);
    table_finish(&table);
}

/* ---- for programs ---- */

static void print_csv(struct buf *out, const struct usage_sums *sums, const enum usage_name *names,
                      unsigned n_names)
{
    for (unsigned i = 0; i < n_names; i++)
        buf_printf(out, "%s,", usage_names[names[i]]);
    for (unsigned i = 0; i < USAGE_FIGURES; i++)
        buf_printf(out, "%s%s", usage_figures[i], i + 1 < USAGE_FIGURES ? "," : "\r\n");
    for (size_t row = 0; row < sums->count; row++) {
        for (unsigned i = 0; i < n_names; i++) {
            csv_put_name(out, sums->list[row].names[names[i]]);
            buf_append(out, ",", 1);
        }
        for (unsigned i = 0; i < USAGE_FIGURES; i++)
            buf_printf(out, "%" PRIu64 "%s", sums->list[row].figures[i],
                       i + 1 < USAGE_FIGURES ? "," : "\r\n");
    }
}

static void write_figures(fbx_writer *w, const uint64_t *figures)
{
    for (unsigned i = 0; i < USAGE_FIGURES; i++) {
        fbx_write_text(w, usage_figures[i]);
        fbx_write_uint(w, figures[i]);
    }
}

static void print_json(struct buf *out, const struct usage_sums *sums, const enum usage_name *names,
                       unsigned n_names)
{
    fbx_writer w = {0};
    fbx_write_map(&w, 2);
    fbx_write_text(&w, "rows");
    fbx_write_array(&w, (uint32_t)sums->count);
    for (size_t row = 0; row < sums->count; row++) {
        fbx_write_map(&w, n_names + USAGE_FIGURES);
        for (unsigned i = 0; i < n_names; i++) {
            fbx_write_text(&w, usage_names[names[i]]);
            fbx_write_text(&w, sums->list[row].names[names[i]]);
        }
        write_figures(&w, sums->list[row].figures);
    }
    fbx_write_text(&w, "total");
    fbx_write_map(&w, USAGE_FIGURES);
    write_figures(&w, sums->total);
    fbx_bytes made = fbx_written(&w);
    (void)json_from_msgpack(out, slice_make(made.data, made.len), NULL);
    buf_append(out, "\n", 1);
    fbx_writer_free(&w);
}

static int run(struct cli *cli, const struct args *args)
{
    const char *by[BY_MAX];
    enum usage_name names[USAGE_NAMES];
    struct usage_sums sums;
    struct buf out = {0};
    uint32_t n_by = read_by(args, by);
    unsigned n_names = columns_of(by, n_by, names);
    int code = cli_connect(cli, args);
    if (!code)
        code = usage_sums_ask(&sums, cli, args, by, n_by);
    if (code)
        return code;
    if (args_has(args, "csv"))
        print_csv(&out, &sums, names, n_names);
    else if (cli->json)
        print_json(&out, &sums, names, n_names);
    else
        print_table(&out, cli, &sums, names, n_names);
    usage_sums_finish(&sums);
    code = cli_write(cli, buf_slice(&out));
    buf_finish(&out);
    return code;
}

const struct command command_usage_show = {
    .noun = "usage",
    .verb = "show",
    .arguments = "",
    .summary = "show what was used: calls that were answered, as they will be billed",
    .about =
        "Everybody sees their own usage; who has admin:TENANT/usage that of the tenant, who has "
        "admin:usage everyone's. Figures are exact; of the calls, those that are voided were "
        "credited and are not to be billed.",
    .options = options,
    .usual = true,
    .run = run,
};

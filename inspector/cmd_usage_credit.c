#include "inquiry.h"
#include "usage_asking.h"
#include "usage_credits.h"
#include "view.h"
#include "wire/json.h"

static const struct opt give_options[] = {
    {.name = "time", .kind = OPT_TEXT, .value = "HOUR", .help = "2026-11-24T13, in UTC"},
    {.name = "tenant", .kind = OPT_TEXT, .value = "TENANT", .help = "whose"},
    {.name = "user", .kind = OPT_TEXT, .value = "USER", .help = "of whom"},
    {.name = "service", .kind = OPT_TEXT, .value = "SERVICE", .help = "what was called"},
    {.name = "method", .kind = OPT_TEXT, .value = "METHOD", .help = "and how"},
    {.name = "calls", .kind = OPT_COUNT, .value = "N", .help = "how many of these calls"},
    {.name = "reason", .kind = OPT_TEXT, .value = "TEXT", .help = "why, for the records"},
    {0},
};

static const struct opt list_options[] = {USAGE_OPTIONS, {0}};

static const struct column alone[] = {
    {"id", "id", UNIT_TEXT},
    {"time", "time", UNIT_TEXT},
    {"tenant", "tenant", UNIT_TEXT},
    {"user", "user", UNIT_TEXT},
    {"service", "service", UNIT_TEXT},
    {"method", "method", UNIT_TEXT},
    {"calls", "calls", UNIT_TEXT},
    {"given", "at_ms", UNIT_MOMENT},
    {"by", "by", UNIT_TEXT},
    {"reason", "reason", UNIT_TEXT},
    {0},
};

static const struct column in_list[] = {
    {"TIME", "time", UNIT_TEXT},
    {"TENANT", "tenant", UNIT_TEXT},
    {"USER", "user", UNIT_TEXT},
    {"SERVICE", "service", UNIT_TEXT},
    {"METHOD", "method", UNIT_TEXT},
    {"ID", "id", UNIT_TEXT},
    {"CALLS", "calls", UNIT_TEXT},
    {"GIVEN", "at_ms", UNIT_MOMENT},
    {"BY", "by", UNIT_TEXT},
    {"REASON", "reason", UNIT_TEXT},
    {0},
};

/* ---- giving ---- */

static const char *const texts[] = {"time", "tenant", "user", "service", "method", "reason"};
#define TEXTS (sizeof texts / sizeof *texts)

static void ask(fbx_writer *w, const struct args *args)
{
    fbx_write_map(w, TEXTS + 2);
    fbx_write_text(w, "id");
    fbx_write_text(w, args_word(args, 0));
    for (size_t i = 0; i < TEXTS; i++) {
        fbx_write_text(w, texts[i]);
        fbx_write_text(w, args_text(args, texts[i], ""));
    }
    fbx_write_text(w, "calls");
    fbx_write_uint(w, args_number(args, "calls", 0));
}

static void show(struct buf *out, const struct cli *cli, const fbx_value *answer)
{
    view_item(out, cli, answer, alone);
}

static int run_give(struct cli *cli, const struct args *args)
{
    return inquiry_run(cli, args, &(struct inquiry){"bus.usage", "credit", ask, show});
}

/* ---- listing ---- */

static void print(struct buf *out, const struct cli *cli, const fbx_writer *made)
{
    fbx_bytes bytes = fbx_written(made);
    fbx_value credits;
    if (cli->json) {
        (void)json_from_msgpack(out, slice_make(bytes.data, bytes.len), NULL);
        buf_append(out, "\n", 1);
    } else if (fbx_read(bytes, &credits)) {
        view_list(out, cli, &credits, in_list, "credits");
    }
}

static int run_list(struct cli *cli, const struct args *args)
{
    fbx_writer credits = {0};
    struct buf out = {0};
    int code = cli_connect(cli, args);
    if (!code)
        code = usage_credits_ask(&credits, cli, args);
    if (!code) {
        print(&out, cli, &credits);
        code = cli_write(cli, buf_slice(&out));
    }
    buf_finish(&out);
    fbx_writer_free(&credits);
    return code;
}

const struct command command_usage_credit = {
    .noun = "usage",
    .verb = "credit",
    .arguments = "ID",
    .summary = "credit calls that were metered, so that they are not billed",
    .about = "Needs admin:usage. The row is one that 'usage show' shows by hour, tenant, user, "
             "service and method; no more can be credited than was metered. ID is of your choosing "
             "and one of its tenant's: the same credit given again changes nothing.",
    .options = give_options,
    .run = run_give,
};

const struct command command_usage_credits = {
    .noun = "usage",
    .verb = "credits",
    .arguments = "",
    .summary = "list the credits that were given",
    .about = "By the time of the calls. Everybody sees those of their own usage; who has "
             "admin:TENANT/usage those of the tenant, who has admin:usage all.",
    .options = list_options,
    .run = run_list,
};

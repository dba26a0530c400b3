#include "inquiry.h"
#include "view.h"

static const struct opt list_options[] = {WATCH_OPTION, {0}};
static const struct opt order_options[] = {
    {.name = "tenant",
     .kind = OPT_TEXT,
     .value = "TENANT",
     .help = "only the breaker of this tenant there, whether or not it has a record"},
    {0},
};

static const struct column in_list[] = {
    {"SERVICE", "service", UNIT_TEXT},
    {"TENANT", "tenant", UNIT_TEXT},
    {"INSTANCE", "instance", UNIT_TEXT},
    {"STATE", "state", UNIT_STATE},
    {"FORCED", "forced", UNIT_TEXT},
    {"RETRY AFTER", "retry_after_ms", UNIT_WAIT},
    {"OPENINGS", "openings", UNIT_COUNT},
    {"CALLS", "calls", UNIT_COUNT},
    {"FAILED", "failed", UNIT_COUNT},
    {"SLOW", "slow", UNIT_COUNT},
    {0},
};

static void show_list(struct buf *out, const struct cli *cli, const fbx_value *answer)
{
    fbx_value breakers = fbx_map_get(answer, "breakers");
    view_sorted(out, cli, &breakers, in_list, "breakers");
}

static void ask_order(fbx_writer *w, const struct args *args)
{
    const char *tenant = args_text(args, "tenant", NULL);
    fbx_write_map(w, tenant ? 2 : 1);
    fbx_write_text(w, "service");
    fbx_write_text(w, args_word(args, 0));
    if (tenant) {
        fbx_write_text(w, "tenant");
        fbx_write_text(w, tenant);
    }
}

static int run_list(struct cli *cli, const struct args *args)
{
    return inquiry_run(cli, args, &(struct inquiry){"bus.breakers", "list", NULL, show_list});
}

static int run_order(struct cli *cli, const struct args *args, const char *order)
{
    return inquiry_run(cli, args, &(struct inquiry){"bus.breakers", order, ask_order, NULL});
}

static int run_reset(struct cli *cli, const struct args *args)
{
    return run_order(cli, args, "reset");
}

static int run_force_open(struct cli *cli, const struct args *args)
{
    return run_order(cli, args, "force-open");
}

static int run_force_close(struct cli *cli, const struct args *args)
{
    return run_order(cli, args, "force-close");
}

const struct command command_breakers_list = {
    .noun = "breakers",
    .verb = "list",
    .arguments = "",
    .summary = "show which services are spared, and from whom",
    .about = "Needs admin:breakers. A line without a tenant and an instance is that of the whole "
             "service; a line with an instance says that it is ejected. Closed ones are shown "
             "while they have had calls lately; what they count is of their window.",
    .options = list_options,
    .usual = true,
    .run = run_list,
};

const struct command command_breaker_reset = {
    .noun = "breaker",
    .verb = "reset",
    .arguments = "SERVICE",
    .summary = "close a breaker, and leave it to itself again",
    .about = "Needs admin:breakers. That of a service also lets its ejected instances in again. "
             "Prints nothing.",
    .options = order_options,
    .run = run_reset,
};

const struct command command_breaker_force_open = {
    .noun = "breaker",
    .verb = "force-open",
    .arguments = "SERVICE",
    .summary = "refuse all calls to a service until its breaker is reset",
    .about = "Needs admin:breakers. Prints nothing.",
    .options = order_options,
    .run = run_force_open,
};

const struct command command_breaker_force_close = {
    .noun = "breaker",
    .verb = "force-close",
    .arguments = "SERVICE",
    .summary = "let all calls through, whatever fails, until the breaker is reset",
    .about = "Needs admin:breakers. Prints nothing.",
    .options = order_options,
    .run = run_force_close,
};

#include "args.h"
#include "usage_asking.h"
#include "usage_credits.h"
#include "usage_events.h"

#include <ctype.h>
#include <string.h>

static const struct opt options[] = {
    USAGE_OPTIONS,
    {.name = "source",
     .kind = OPT_TEXT,
     .value = "URI",
     .help = "who says so: the events' source, a URI reference; farebox unless told otherwise"},
    {0},
};

static const char *const by[] = {"hour", "tenant", "user", "service", "method"};

static int ask(struct usage_events *events, const struct cli *cli, const struct args *args,
               size_t *days)
{
    struct usage_sums sums = {0};
    fbx_writer credits = {0};
    int code = usage_sums_ask(&sums, cli, args, by, sizeof by / sizeof *by);
    if (!code)
        code = usage_credits_ask(&credits, cli, args);
    if (!code) {
        *days = usage_events_of_hours(events, &sums);
        usage_events_of_credits(events, &credits, sums.hour);
    }
    usage_sums_finish(&sums);
    fbx_writer_free(&credits);
    if (!code && events->failed)
        code =
            cli_fail(cli, EXIT_INTERNAL, "what the broker says makes no event; nothing is printed");
    return code;
}

/* The characters of RFC 3986, which CloudEvents ask for; one `#` at most. */
static bool is_uri_reference(const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "-._~:/?#[]@!$&'()*+,;=%";
    const char *fragment = strchr(text, '#');
    for (const char *at = text; (at = strchr(at, '%')); at++) {
        if (!isxdigit((unsigned char)at[1]) || !isxdigit((unsigned char)at[2]))
            return false;
    }
    return *text && strspn(text, allowed) == strlen(text) &&
           (!fragment || !strchr(fragment + 1, '#'));
}

static int run(struct cli *cli, const struct args *args)
{
    struct usage_events events = {.source = args_text(args, "source", "farebox")};
    size_t days = 0;
    if (!is_uri_reference(events.source))
        return cli_fail(cli, EXIT_USAGE, "--source is no URI reference");
    int code = cli_connect(cli, args);
    if (!code)
        code = ask(&events, cli, args, &days);
    if (!code)
        code = cli_write(cli, buf_slice(&events.out));
    buf_finish(&events.out);
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
        "over, whose figures change no more; then one for each credit of them, which may come "
        "later: "
        "export such a time again. The same row and the same credit always have the same id. The "
        "subject is the tenant; billing_customer is what its record says, if it says so.",
    .options = options,
    .run = run,
};

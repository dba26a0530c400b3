#include "inquiry.h"
#include "view.h"

static const struct opt options[] = {WATCH_OPTION, {0}};

static const struct column columns[] = {
    {"SESSION", "id", UNIT_TEXT},
    {"NAME", "name", UNIT_TEXT},
    {"TENANT", "tenant", UNIT_TEXT},
    {"USER", "user", UNIT_TEXT},
    {"TIER", "tier", UNIT_TEXT},
    {"STATE", "state", UNIT_STATE},
    {"UP", "since_ms", UNIT_SINCE},
    {"SUBS", "subscriptions", UNIT_COUNT},
    {"CALLING", "calling", UNIT_COUNT},
    {"SERVING", "serving", UNIT_COUNT},
    {"OUTBOX", "outbox_bytes", UNIT_BYTES},
    {"MISSED", "missed", UNIT_COUNT},
    {"IN", "frames_in", UNIT_COUNT},
    {"OUT", "frames_out", UNIT_COUNT},
    {"SERVES", "services", UNIT_LIST},
    {0},
};

static void show(struct buf *out, const struct cli *cli, const fbx_value *answer)
{
    fbx_value sessions = fbx_map_get(answer, "sessions");
    view_sorted(out, cli, &sessions, columns, "sessions");
}

static int run(struct cli *cli, const struct args *args)
{
    return inquiry_run_pages(cli, args, &(struct inquiry){"bus.sessions", "list", NULL, show},
                             "sessions");
}

const struct command command_sessions = {
    .noun = "sessions",
    .verb = "list",
    .arguments = "",
    .summary = "list who is connected",
    .about = "Needs admin:sessions.",
    .options = options,
    .usual = true,
    .run = run,
};

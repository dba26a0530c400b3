#include "ask.h"
#include "view.h"
#include "watch.h"

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

static int show(struct cli *cli, const struct args *args, struct buf *out)
{
    fbx_reply *reply;
    fbx_value map, sessions;
    (void)args;
    int code = ask_broker(cli, "bus.sessions", "list", NULL, &reply);
    if (!reply)
        return code;
    if (cli->json) {
        view_json(out, reply);
    } else if (fbx_read(fbx_reply_payload(reply), &map)) {
        sessions = fbx_map_get(&map, "sessions");
        view_sorted(out, cli, &sessions, columns, "sessions");
    }
    fbx_reply_free(reply);
    return code;
}

static int run(struct cli *cli, const struct args *args)
{
    return watch_run(cli, args, show);
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

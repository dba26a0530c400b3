#include "ask.h"
#include "view.h"
#include "watch.h"

static const struct opt options[] = {WATCH_OPTION, {0}};

static const struct column in_list[] = {
    {"SERVICE", "name", UNIT_TEXT},      {"STATE", "state", UNIT_STATE},
    {"KIND", "kind", UNIT_TEXT},         {"VERSION", "version", UNIT_TEXT},
    {"TIER", "minimum_tier", UNIT_TEXT}, {"READY", "ready", UNIT_COUNT},
    {"OF", "instances", UNIT_COUNT},     {"IN FLIGHT", "in_flight", UNIT_COUNT},
    {"QUEUED", "queued", UNIT_COUNT},    {"CALLS", "calls", UNIT_COUNT},
    {"ERRORS", "errors", UNIT_COUNT},    {"P50", "p50_us", UNIT_MICROS},
    {"P99", "p99_us", UNIT_MICROS},      {0},
};

static const struct column alone[] = {
    {"service", "name", UNIT_TEXT},
    {"state", "state", UNIT_STATE},
    {"kind", "kind", UNIT_TEXT},
    {"version", "version", UNIT_TEXT},
    {"methods", "methods", UNIT_LIST},
    {"requires", "requires", UNIT_LIST},
    {"tier", "minimum_tier", UNIT_TEXT},
    {"tenant aware", "tenant_aware", UNIT_TEXT},
    {"health", "health_endpoint", UNIT_TEXT},
    {"ready", "ready", UNIT_COUNT},
    {"capacity", "capacity", UNIT_COUNT},
    {"in flight", "in_flight", UNIT_COUNT},
    {"queued", "queued", UNIT_COUNT},
    {"calls", "calls", UNIT_COUNT},
    {"errors", "errors", UNIT_COUNT},
    {"p50", "p50_us", UNIT_MICROS},
    {"p99", "p99_us", UNIT_MICROS},
    {0},
};

static const struct column instance[] = {
    {"INSTANCE", "session", UNIT_TEXT},
    {"NAME", "name", UNIT_TEXT},
    {"VERSION", "version", UNIT_TEXT},
    {"TENANT", "tenant", UNIT_TEXT},
    {"STATE", "state", UNIT_STATE},
    {"CAPACITY", "capacity", UNIT_COUNT},
    {"IN FLIGHT", "in_flight", UNIT_COUNT},
    {"CALLS", "calls", UNIT_COUNT},
    {"ERRORS", "errors", UNIT_COUNT},
    {"UP", "since_ms", UNIT_SINCE},
    {0},
};

static int show_list(struct cli *cli, const struct args *args, struct buf *out)
{
    fbx_reply *reply;
    fbx_value map, services;
    (void)args;
    int code = ask_broker(cli, "bus.registry", "list", NULL, &reply);
    if (!reply)
        return code;
    if (cli->json) {
        view_json(out, reply);
    } else if (fbx_read(fbx_reply_payload(reply), &map)) {
        services = fbx_map_get(&map, "services");
        view_sorted(out, cli, &services, in_list, "services");
    }
    fbx_reply_free(reply);
    return code;
}

static int show_one(struct cli *cli, const struct args *args, struct buf *out)
{
    fbx_writer request = {0};
    fbx_reply *reply;
    fbx_value map, instances;
    fbx_write_map(&request, 1);
    fbx_write_text(&request, "name");
    fbx_write_text(&request, args_word(args, 0));
    int code = ask_broker(cli, "bus.registry", "show", &request, &reply);
    fbx_writer_free(&request);
    if (!reply)
        return code;
    if (cli->json) {
        view_json(out, reply);
    } else if (fbx_read(fbx_reply_payload(reply), &map)) {
        instances = fbx_map_get(&map, "instances");
        view_item(out, cli, &map, alone);
        buf_printf(out, "\n");
        view_sorted(out, cli, &instances, instance, "instances");
    }
    fbx_reply_free(reply);
    return code;
}

static int run_list(struct cli *cli, const struct args *args)
{
    return watch_run(cli, args, show_list);
}

static int run_show(struct cli *cli, const struct args *args)
{
    return watch_run(cli, args, show_one);
}

const struct command command_services_list = {
    .noun = "services",
    .verb = "list",
    .arguments = "",
    .summary = "list the services this token may use",
    .about = "With admin:registry it lists all of them.",
    .options = options,
    .usual = true,
    .run = run_list,
};

const struct command command_services_show = {
    .noun = "services",
    .verb = "show",
    .arguments = "NAME",
    .summary = "show one service and its instances",
    .options = options,
    .run = run_show,
};

#include "inquiry.h"
#include "view.h"

#define TENANT_OPTION                                                     \
    {                                                                     \
        .name = "tenant", .kind = OPT_TEXT, .value = "TENANT",            \
        .help = "the one that this tenant owns, rather than a shared one" \
    }

static const struct opt list_options[] = {WATCH_OPTION, {0}};
static const struct opt show_options[] = {TENANT_OPTION, WATCH_OPTION, {0}};
static const struct opt remove_options[] = {TENANT_OPTION, {0}};

static const struct column in_list[] = {
    {"SERVICE", "name", UNIT_TEXT},
    {"STATE", "state", UNIT_STATE},
    {"TENANT", "tenant", UNIT_TEXT},
    {"KIND", "kind", UNIT_TEXT},
    {"VERSION", "version", UNIT_TEXT},
    {"TIER", "minimum_tier", UNIT_TEXT},
    {"READY", "ready", UNIT_COUNT},
    {"OF", "instances", UNIT_COUNT},
    {"IN FLIGHT", "in_flight", UNIT_COUNT},
    {"QUEUED", "queued", UNIT_COUNT},
    {"CALLS", "calls", UNIT_COUNT},
    {"ERRORS", "errors", UNIT_COUNT},
    {"P50", "p50_us", UNIT_MICROS},
    {"P99", "p99_us", UNIT_MICROS},
    {0},
};

static const struct column alone[] = {
    {"service", "name", UNIT_TEXT},
    {"tenant", "tenant", UNIT_TEXT},
    {"state", "state", UNIT_STATE},
    {"kind", "kind", UNIT_TEXT},
    {"version", "version", UNIT_TEXT},
    {"methods", "methods", UNIT_LIST},
    {"requires", "requires", UNIT_LIST},
    {"missing", "missing", UNIT_LIST},
    {"tier", "minimum_tier", UNIT_TEXT},
    {"method tiers", "method_tiers", UNIT_LIST},
    {"features", "business_features", UNIT_LIST},
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
    {"CHECK", "check", UNIT_TEXT},
    {"REASON", "reason", UNIT_TEXT},
    {0},
};

static void show_list(struct buf *out, const struct cli *cli, const fbx_value *answer)
{
    fbx_value services = fbx_map_get(answer, "services");
    view_sorted(out, cli, &services, in_list, "services");
}

static void show_one(struct buf *out, const struct cli *cli, const fbx_value *answer)
{
    fbx_value instances = fbx_map_get(answer, "instances");
    view_item(out, cli, answer, alone);
    buf_printf(out, "\n");
    view_sorted(out, cli, &instances, instance, "instances");
}

/* The service is named by the word, and by whose it is. */
static void name_service(fbx_writer *w, const struct args *args, const char *key)
{
    const char *tenant = args_text(args, "tenant", NULL);
    fbx_write_map(w, tenant ? 2 : 1);
    fbx_write_text(w, key);
    fbx_write_text(w, args_word(args, 0));
    if (tenant) {
        fbx_write_text(w, "tenant");
        fbx_write_text(w, tenant);
    }
}

static void ask_one(fbx_writer *w, const struct args *args)
{
    name_service(w, args, "name");
}

static void ask_removal(fbx_writer *w, const struct args *args)
{
    name_service(w, args, "service");
}

static int run_list(struct cli *cli, const struct args *args)
{
    return inquiry_run_pages(cli, args, &(struct inquiry){"bus.registry", "list", NULL, show_list},
                             "services");
}

static int run_show(struct cli *cli, const struct args *args)
{
    return inquiry_run(cli, args, &(struct inquiry){"bus.registry", "show", ask_one, show_one});
}

static int run_remove(struct cli *cli, const struct args *args)
{
    return inquiry_run(cli, args, &(struct inquiry){"bus.registry", "remove", ask_removal, NULL});
}

const struct command command_services_list = {
    .noun = "services",
    .verb = "list",
    .arguments = "",
    .summary = "list the services this token may use",
    .about =
        "With admin:registry it lists all of them. A service is ready, degraded, starting, "
        "draining "
        "or down as its best instance is, and degraded too when nobody serves what it requires.",
    .options = list_options,
    .usual = true,
    .run = run_list,
};

const struct command command_services_show = {
    .noun = "services",
    .verb = "show",
    .arguments = "NAME",
    .summary = "show one service and its instances",
    .options = show_options,
    .run = run_show,
};

const struct command command_services_remove = {
    .noun = "services",
    .verb = "remove",
    .arguments = "NAME",
    .summary = "make the broker forget a service that nobody serves any more",
    .about = "Needs admin:registry. Prints nothing. While it has instances it is a conflict.",
    .options = remove_options,
    .run = run_remove,
};

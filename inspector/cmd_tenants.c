#include "inquiry.h"
#include "view.h"

#define USER_OPTION                                                        \
    {                                                                      \
        .name = "user", .kind = OPT_TEXT, .value = "USER",                 \
        .help = "the subscription of this user, rather than of the tenant" \
    }

#define AFTER_OPTION                                                        \
    {                                                                       \
        .name = "after", .kind = OPT_TEXT, .value = "NAME",                 \
        .help = "the page behind this one: the last of it says what to say" \
    }

static const struct opt list_options[] = {AFTER_OPTION, WATCH_OPTION, {0}};
static const struct opt show_options[] = {USER_OPTION, AFTER_OPTION, WATCH_OPTION, {0}};
static const struct opt named_options[] = {USER_OPTION, {0}};
static const struct opt change_options[] = {
    USER_OPTION,
    {.name = "tier",
     .kind = OPT_TEXT,
     .value = "TIER",
     .help = "one that the broker is configured with; every tenant has one"},
    {.name = "name", .kind = OPT_TEXT, .value = "TEXT", .help = "what people call it"},
    {.name = "status",
     .kind = OPT_CHOICE,
     .value = "active|past_due|suspended|expired",
     .help = "active unless told otherwise; suspended and expired may nothing"},
    {.name = "expires",
     .kind = OPT_MOMENT,
     .value = "DATE",
     .help = "when it ends: 2026-12-31, 2026-12-31T18:30Z or never"},
    {.name = "billing-customer",
     .kind = OPT_TEXT,
     .value = "CUSTOMER",
     .help = "the billing system's name for it"},
    {.name = "feature",
     .kind = OPT_TEXT,
     .value = "FEATURE",
     .help = "a business feature; may be repeated, and replaces all there were"},
    {.name = "no-features", .kind = OPT_FLAG, .help = "no features of its own"},
    {.name = "per-minute",
     .kind = OPT_COUNT,
     .value = "N",
     .help = "calls a minute of each user, in place of the tier's"},
    {.name = "burst", .kind = OPT_COUNT, .value = "N", .help = "of them at once; as per-minute"},
    {.name = "tier-rate", .kind = OPT_FLAG, .help = "the tier's rate again"},
    {0},
};

/* ---- asking ---- */

static const struct field {
    const char *option, *key;
    enum { TEXT, NUMBER, NOTHING } kind; /* NOTHING: the flag stands for 0 */
} fields[] = {
    {"user", "user", TEXT},
    {"after", "after", TEXT},
    {"tier", "tier", TEXT},
    {"name", "name", TEXT},
    {"status", "status", TEXT},
    {"billing-customer", "billing_customer", TEXT},
    {"expires", "expires_ms", NUMBER},
    {"per-minute", "per_minute", NUMBER},
    {"tier-rate", "per_minute", NOTHING},
    {"burst", "burst", NUMBER},
};
#define FIELDS (sizeof fields / sizeof *fields)

static bool says_features(const struct args *args)
{
    return args_has(args, "feature") || args_has(args, "no-features");
}

static uint32_t count_pairs(const struct args *args)
{
    uint32_t n = (args_word(args, 0) != NULL) + (uint32_t)says_features(args);
    for (size_t i = 0; i < FIELDS; i++)
        n += args_has(args, fields[i].option);
    return n;
}

static void write_field(fbx_writer *w, const struct args *args, const struct field *field)
{
    fbx_write_text(w, field->key);
    if (field->kind == TEXT)
        fbx_write_text(w, args_text(args, field->option, ""));
    else
        fbx_write_uint(w, args_number(args, field->option, 0));
}

static void write_features(fbx_writer *w, const struct args *args)
{
    unsigned cursor = 0;
    uint32_t count = 0;
    while (args_next(args, "feature", &cursor))
        count++;
    fbx_write_text(w, "features");
    fbx_write_array(w, count);
    cursor = 0;
    for (const char *feature; (feature = args_next(args, "feature", &cursor));)
        fbx_write_text(w, feature);
}

/* Whose record, and what the options say about it. */
static void ask(fbx_writer *w, const struct args *args)
{
    fbx_write_map(w, count_pairs(args));
    if (args_word(args, 0)) {
        fbx_write_text(w, "tenant");
        fbx_write_text(w, args_word(args, 0));
    }
    for (size_t i = 0; i < FIELDS; i++) {
        if (args_has(args, fields[i].option))
            write_field(w, args, &fields[i]);
    }
    if (says_features(args))
        write_features(w, args);
}

/* ---- showing ---- */

static const struct column in_list[] = {
    {"TENANT", "tenant", UNIT_TEXT},
    {"NAME", "name", UNIT_TEXT},
    {"TIER", "tier", UNIT_TEXT},
    {"STATUS", "status", UNIT_STATE},
    {"EXPIRES", "expires_ms", UNIT_MOMENT},
    {"PER MINUTE", "per_minute", UNIT_LIMIT},
    {"BURST", "burst", UNIT_LIMIT},
    {"CUSTOMER", "billing_customer", UNIT_TEXT},
    {"FEATURES", "features", UNIT_LIST},
    {0},
};

static const struct column alone[] = {
    {"tenant", "tenant", UNIT_TEXT},
    {"user", "user", UNIT_TEXT},
    {"name", "name", UNIT_TEXT},
    {"tier", "tier", UNIT_TEXT},
    {"status", "status", UNIT_STATE},
    {"expires", "expires_ms", UNIT_MOMENT},
    {"billing customer", "billing_customer", UNIT_TEXT},
    {"features", "features", UNIT_LIST},
    {"per minute", "per_minute", UNIT_LIMIT},
    {"burst", "burst", UNIT_LIMIT},
    {0},
};

static const struct column of_user[] = {
    {"USER", "user", UNIT_TEXT},
    {"NAME", "name", UNIT_TEXT},
    {"TIER", "tier", UNIT_TEXT},
    {"STATUS", "status", UNIT_STATE},
    {"EXPIRES", "expires_ms", UNIT_MOMENT},
    {"PER MINUTE", "per_minute", UNIT_LIMIT},
    {"BURST", "burst", UNIT_LIMIT},
    {0},
};

static void show_list(struct buf *out, const struct cli *cli, const fbx_value *answer)
{
    fbx_value tenants = fbx_map_get(answer, "tenants");
    view_list(out, cli, &tenants, in_list, "tenants");
    view_next(out, answer);
}

/* Only a tenant has users. */
static void show_one(struct buf *out, const struct cli *cli, const fbx_value *answer)
{
    fbx_value users = fbx_map_get(answer, "users");
    view_item(out, cli, answer, alone);
    if (users.count > 0) {
        buf_printf(out, "\n");
        view_list(out, cli, &users, of_user, "users");
        view_next(out, answer);
    }
}

/* ---- commands ---- */

static int run_list(struct cli *cli, const struct args *args)
{
    return inquiry_run(cli, args, &(struct inquiry){"bus.tenants", "list", ask, show_list});
}

static int run_verb(struct cli *cli, const struct args *args)
{
    const char *verb = args->command->verb;
    return inquiry_run(cli, args, &(struct inquiry){"bus.tenants", verb, ask, show_one});
}

static int run_delete(struct cli *cli, const struct args *args)
{
    return inquiry_run(cli, args, &(struct inquiry){"bus.tenants", "delete", ask, NULL});
}

const struct command command_tenants_list = {
    .noun = "tenants",
    .verb = "list",
    .arguments = "",
    .summary = "list the tenants and what they subscribed to",
    .about = "Needs admin:tenants; who has it for one tenant sees that one.",
    .options = list_options,
    .usual = true,
    .run = run_list,
};

const struct command command_tenants_show = {
    .noun = "tenants",
    .verb = "show",
    .arguments = "TENANT",
    .summary = "show one tenant, and its users with a subscription of their own",
    .options = show_options,
    .run = run_verb,
};

const struct command command_tenants_create = {
    .noun = "tenants",
    .verb = "create",
    .arguments = "TENANT",
    .summary = "give a tenant, or a user of it, a record that says more than their tokens",
    .about = "Needs admin:tenants for all tenants, as everything that changes a record does.",
    .options = change_options,
    .run = run_verb,
};

const struct command command_tenants_update = {
    .noun = "tenants",
    .verb = "update",
    .arguments = "TENANT",
    .summary = "change what a record says, in force at the next call",
    .about = "What is not mentioned stays.",
    .options = change_options,
    .run = run_verb,
};

const struct command command_tenants_suspend = {
    .noun = "tenants",
    .verb = "suspend",
    .arguments = "TENANT",
    .summary = "refuse everything they ask, from the next call on",
    .options = named_options,
    .run = run_verb,
};

const struct command command_tenants_resume = {
    .noun = "tenants",
    .verb = "resume",
    .arguments = "TENANT",
    .summary = "make a suspended or expired subscription active again",
    .about =
        "What has reached its end is not: give it another first, with tenants update --expires.",
    .options = named_options,
    .run = run_verb,
};

const struct command command_tenants_delete = {
    .noun = "tenants",
    .verb = "delete",
    .arguments = "TENANT",
    .summary = "delete a record, a tenant's with those of its users",
    .about = "Prints nothing. Their tokens speak for them again.",
    .options = named_options,
    .run = run_delete,
};

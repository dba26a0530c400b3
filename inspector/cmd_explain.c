#include "inquiry.h"
#include "view.h"

#include <string.h>

static const struct opt options[] = {
    {.name = "tenant", .kind = OPT_TEXT, .value = "TENANT", .help = "suppose a user of this one"},
    {.name = "user", .kind = OPT_TEXT, .value = "USER", .help = "suppose this user"},
    {.name = "tier", .kind = OPT_TEXT, .value = "TIER", .help = "suppose that their token says so"},
    {.name = "perm",
     .kind = OPT_TEXT,
     .value = "PERMISSION",
     .help = "suppose that they have this one, and no others; may be repeated"},
    WATCH_OPTION,
    {0},
};

static const struct column steps[] = {
    {"FILTER", "filter", UNIT_TEXT},
    {"VERDICT", "verdict", UNIT_STATE},
    {"STATUS", "status", UNIT_TEXT},
    {"WHY", "message", UNIT_TEXT},
    {"RETRY AFTER", "retry_after_ms", UNIT_SPAN},
    {0},
};

static void write_text(fbx_writer *w, const char *key, const char *value)
{
    fbx_write_text(w, key);
    fbx_write_text(w, value);
}

static void write_permissions(fbx_writer *w, const struct args *args)
{
    unsigned cursor = 0;
    uint32_t count = 0;
    while (args_next(args, "perm", &cursor))
        count++;
    fbx_write_text(w, "permissions");
    fbx_write_array(w, count);
    cursor = 0;
    for (const char *permission; (permission = args_next(args, "perm", &cursor));)
        fbx_write_text(w, permission);
}

static void ask(fbx_writer *w, const struct args *args)
{
    static const char *const texts[] = {"tenant", "user", "tier"};
    uint32_t pairs = 2 + (uint32_t)args_has(args, "perm");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        pairs += args_has(args, texts[i]);
    fbx_write_map(w, pairs);
    write_text(w, "service", args_word(args, 0));
    write_text(w, "method", args_word(args, 1));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (args_has(args, texts[i]))
            write_text(w, texts[i], args_text(args, texts[i], ""));
    }
    if (args_has(args, "perm"))
        write_permissions(w, args);
}

static void show(struct buf *out, const struct cli *cli, const fbx_value *answer)
{
    char outcome[64] = "";
    fbx_value rows = fbx_map_get(answer, "steps"), text = fbx_map_get(answer, "outcome");
    fbx_value waits = fbx_map_get(answer, "waits");
    view_list(out, cli, &rows, steps, "filters");
    (void)fbx_as_text(&text, outcome, sizeof outcome);
    buf_printf(out, "\nthe call would %s%s\n",
               strcmp(outcome, "ok") != 0   ? "end as "
               : fbx_as_bool(&waits, false) ? "wait for an instance"
                                            : "go to its service",
               strcmp(outcome, "ok") != 0 ? outcome : "");
}

static int run(struct cli *cli, const struct args *args)
{
    return inquiry_run(cli, args, &(struct inquiry){"bus.explain", "call", ask, show});
}

const struct command command_explain = {
    .noun = "explain",
    .arguments = "SERVICE METHOD",
    .summary = "say what would become of a call, and why",
    .about =
        "The broker's own filters say it, one after the other; nothing is counted or sent. For "
        "yourself anybody may ask; to suppose somebody else needs admin:explain. Who is "
        "supposed has the permissions given with --perm and those of their tier.",
    .options = options,
    .run = run,
};

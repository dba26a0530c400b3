#include "inquiry.h"
#include "question.h"
#include "view.h"

static const struct opt options[] = {
    {.name = "tenant", .kind = OPT_TEXT, .value = "TENANT", .help = "of this one's user"},
    {.name = "tier",
     .kind = OPT_TEXT,
     .value = "TIER",
     .help = "suppose that their token says so, if no record does"},
    WATCH_OPTION,
    {0},
};

static const struct column columns[] = {
    {"tenant", "tenant", UNIT_TEXT},
    {"user", "user", UNIT_TEXT},
    {"tier", "tier", UNIT_TEXT},
    {"status", "status", UNIT_STATE},
    {"per minute", "per_minute", UNIT_LIMIT},
    {"burst", "burst", UNIT_LIMIT},
    {"remaining now", "remaining", UNIT_TEXT},
    {"retry after", "retry_after_ms", UNIT_WAIT},
    {"monthly", "monthly", UNIT_LIMIT},
    {"used by the tenant", "used", UNIT_TEXT},
    {"resets at", "resets_at", UNIT_TEXT},
    {0},
};

static const struct column limits[] = {
    {"service", "service", UNIT_TEXT},
    {"method", "method", UNIT_TEXT},
    {"of", "of", UNIT_TEXT},
    {"per minute", "per_minute", UNIT_LIMIT},
    {"burst", "burst", UNIT_LIMIT},
    {"remaining now", "remaining", UNIT_TEXT},
    {"retry after", "retry_after_ms", UNIT_WAIT},
    {0},
};

static void ask(fbx_writer *w, const struct args *args)
{
    const char *user = args_word(args, 0);
    fbx_write_map(w, (user != NULL) + (uint32_t)args_has(args, "tenant") +
                         (uint32_t)args_has(args, "tier"));
    if (user)
        question_text(w, "user", user);
    if (args_has(args, "tenant"))
        question_text(w, "tenant", args_text(args, "tenant", ""));
    if (args_has(args, "tier"))
        question_text(w, "tier", args_text(args, "tier", ""));
}

static void show(struct buf *out, const struct cli *cli, const fbx_value *answer)
{
    fbx_value supposed = fbx_map_get(answer, "supposed");
    fbx_value others = fbx_map_get(answer, "limits");
    view_item(out, cli, answer, columns);
    if (others.type == FBX_ARRAY && others.count > 0) {
        buf_printf(out, "\n");
        view_list(out, cli, &others, limits, "limits");
    }
    if (fbx_as_bool(&supposed, false))
        buf_printf(out, "\nno record says which tier: it is that of their token (--tier)\n");
}

static int run(struct cli *cli, const struct args *args)
{
    return inquiry_run(cli, args, &(struct inquiry){"bus.limits", "show", ask, show});
}

const struct command command_limits_show = {
    .noun = "limits",
    .verb = "show",
    .arguments = "[USER]",
    .summary = "show how much a user may call, and what is left of it",
    .about = "Your own without a name; those of your tenant's users need admin:TENANT/limits, "
             "everybody's admin:limits. Asking uses nothing but the one call it is.",
    .options = options,
    .usual = true,
    .run = run,
};

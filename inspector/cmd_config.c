#include "inquiry.h"
#include "payload.h"
#include "view.h"

#include <stdlib.h>
#include <string.h>

#define SCOPE_OPTIONS                                                                         \
    {.name = "tenant", .kind = OPT_TEXT, .value = "TENANT", .help = "the value of this one"}, \
    {                                                                                         \
        .name = "tier", .kind = OPT_TEXT, .value = "TIER", .help = "the value of this one"    \
    }
#define REVISION_OPTION                                                        \
    {                                                                          \
        .name = "if-revision", .kind = OPT_TEXT, .value = "N",                 \
        .help = "only if this is still its revision; 0: only if there is none" \
    }

static const struct opt look_options[] = {SCOPE_OPTIONS, {0}};
static const struct opt list_options[] = {
    SCOPE_OPTIONS,
    {.name = "prefix", .kind = OPT_TEXT, .value = "TEXT", .help = "keys that begin so"},
    WATCH_OPTION,
    {0},
};
static const struct opt set_options[] = {
    SCOPE_OPTIONS,
    REVISION_OPTION,
    {.name = "secret", .kind = OPT_FLAG, .help = "shown to nobody but who may reveal it"},
    {0},
};
static const struct opt delete_options[] = {SCOPE_OPTIONS, REVISION_OPTION, {0}};

/* ---- asking ---- */

static bool is_number(const char *text)
{
    return *text && strspn(text, "0123456789") == strlen(text) && strlen(text) < 20;
}

static void write_text(fbx_writer *w, const struct args *args, const char *option)
{
    if (!args_has(args, option))
        return;
    fbx_write_text(w, option);
    fbx_write_text(w, args_text(args, option, ""));
}

static uint32_t count_pairs(const struct args *args)
{
    static const char *const options[] = {"tenant", "tier", "prefix", "secret", "if-revision"};
    uint32_t n = 0;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        n += args_has(args, options[i]);
    return n + (args_word(args, 0) != NULL);
}

static void write_pairs(fbx_writer *w, const struct args *args)
{
    if (args_word(args, 0)) {
        fbx_write_text(w, "key");
        fbx_write_text(w, args_word(args, 0));
    }
    write_text(w, args, "tenant");
    write_text(w, args, "tier");
    write_text(w, args, "prefix");
    if (args_has(args, "secret")) {
        fbx_write_text(w, "secret");
        fbx_write_bool(w, true);
    }
    if (args_has(args, "if-revision")) {
        fbx_write_text(w, "if_revision");
        fbx_write_uint(w, strtoull(args_text(args, "if-revision", "0"), NULL, 10));
    }
}

static void ask(fbx_writer *w, const struct args *args)
{
    fbx_write_map(w, count_pairs(args));
    write_pairs(w, args);
}

/* ---- showing ---- */

static const struct column in_list[] = {
    {"KEY", "key", UNIT_TEXT},
    {"SCOPE", "scope", UNIT_TEXT},
    {"REVISION", "revision", UNIT_TEXT},
    {"CHANGED", "at_ms", UNIT_SINCE},
    {"BY", "by", UNIT_TEXT},
    {"SECRET", "secret", UNIT_TEXT},
    {"VALUE", "value", UNIT_JSON},
    {0},
};

static const struct column in_history[] = {
    {"REVISION", "revision", UNIT_TEXT}, {"CHANGED", "at_ms", UNIT_SINCE}, {"BY", "by", UNIT_TEXT},
    {"DELETED", "deleted", UNIT_TEXT},   {"VALUE", "value", UNIT_JSON},    {0},
};

static const struct column alone[] = {
    {"key", "key", UNIT_TEXT},
    {"scope", "scope", UNIT_TEXT},
    {"revision", "revision", UNIT_TEXT},
    {"changed", "at_ms", UNIT_SINCE},
    {"by", "by", UNIT_TEXT},
    {"secret", "secret", UNIT_TEXT},
    {"value", "value", UNIT_JSON},
    {0},
};

static void show_one(struct buf *out, const struct cli *cli, const fbx_value *answer)
{
    view_item(out, cli, answer, alone);
}

static void show_more(struct buf *out, const fbx_value *answer)
{
    fbx_value next = fbx_map_get(answer, "next");
    if (next.type == FBX_TEXT && next.as.bytes.len > 0)
        buf_printf(out, "and more: narrow it down with --prefix\n");
}

static void show_list(struct buf *out, const struct cli *cli, const fbx_value *answer)
{
    fbx_value values = fbx_map_get(answer, "values");
    view_list(out, cli, &values, in_list, "values");
    show_more(out, answer);
}

static void show_history(struct buf *out, const struct cli *cli, const fbx_value *answer)
{
    fbx_value revisions = fbx_map_get(answer, "revisions");
    view_list(out, cli, &revisions, in_history, "revisions");
}

/* ---- commands ---- */

static int check(const struct cli *cli, const struct args *args)
{
    if (args_has(args, "if-revision") && !is_number(args_text(args, "if-revision", "")))
        return cli_fail(cli, EXIT_USAGE, "--if-revision wants a number, not '%.40s'",
                        args_text(args, "if-revision", ""));
    return EXIT_OK;
}

static int run_get(struct cli *cli, const struct args *args)
{
    return inquiry_run(cli, args, &(struct inquiry){"bus.config", "get", ask, show_one});
}

static int run_reveal(struct cli *cli, const struct args *args)
{
    return inquiry_run(cli, args, &(struct inquiry){"bus.config", "reveal", ask, show_one});
}

static int run_list(struct cli *cli, const struct args *args)
{
    return inquiry_run(cli, args, &(struct inquiry){"bus.config", "list", ask, show_list});
}

static int run_history(struct cli *cli, const struct args *args)
{
    return inquiry_run(cli, args, &(struct inquiry){"bus.config", "history", ask, show_history});
}

static int run_delete(struct cli *cli, const struct args *args)
{
    int code = check(cli, args);
    return code ? code
                : inquiry_run(cli, args, &(struct inquiry){"bus.config", "delete", ask, NULL});
}

/* The value comes from the command line, which only this can say. */
static struct buf value;

static void ask_set(fbx_writer *w, const struct args *args)
{
    fbx_write_map(w, count_pairs(args) + 1);
    write_pairs(w, args);
    fbx_write_text(w, "value");
    fbx_value read;
    if (fbx_read((fbx_bytes){value.data, value.len}, &read))
        fbx_write_value(w, &read);
    else
        fbx_write_nil(w);
}

static int run_set(struct cli *cli, const struct args *args)
{
    int code = check(cli, args);
    if (!code)
        code = payload_read(cli, args_word(args, 1), &value);
    if (!code)
        code = inquiry_run(cli, args, &(struct inquiry){"bus.config", "set", ask_set, show_one});
    buf_finish(&value);
    return code;
}

const struct command command_config_list = {
    .noun = "config",
    .verb = "list",
    .arguments = "",
    .summary = "list configuration that services share",
    .about = "Needs admin:config; who has it for one tenant sees and changes that one's. Without "
             "--tenant and --tier an operator's is everybody's. Changes are events: farebox sub "
             "'bus.config.>'.",
    .options = list_options,
    .usual = true,
    .run = run_list,
};

const struct command command_config_get = {
    .noun = "config",
    .verb = "get",
    .arguments = "KEY",
    .summary = "show the value of a key that counts for you",
    .about = "The tenant's, the tier's or everybody's: the nearest there is. Anybody may ask.",
    .options = look_options,
    .run = run_get,
};

const struct command command_config_set = {
    .noun = "config",
    .verb = "set",
    .arguments = "KEY JSON|-",
    .summary = "set a value",
    .about =
        "Keys are names joined by dots. A secret stays one. Whoever is on this machine can see the "
        "command line in the list of processes, and a secret in it: with - the value is read "
        "from standard input.",
    .options = set_options,
    .run = run_set,
};

const struct command command_config_delete = {
    .noun = "config",
    .verb = "delete",
    .arguments = "KEY",
    .summary = "delete a value",
    .about = "Prints nothing. What the key was is still in its history.",
    .options = delete_options,
    .run = run_delete,
};

const struct command command_config_history = {
    .noun = "config",
    .verb = "history",
    .arguments = "KEY",
    .summary = "show who changed a key, when and to what",
    .about =
        "The last 32 revisions, and of those before the newest at most 64 KiB. Of a secret they "
        "have no values.",
    .options = look_options,
    .run = run_history,
};

const struct command command_config_reveal = {
    .noun = "config",
    .verb = "reveal",
    .arguments = "KEY",
    .summary = "show a value even if it is secret",
    .about = "Needs admin:secrets, which admin:config is not. It is written down who looked.",
    .options = look_options,
    .run = run_reveal,
};

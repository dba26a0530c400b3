#include "inquiry.h"
#include "password.h"
#include "permission.h"
#include "question.h"
#include "view.h"

#include <sodium.h>

#define PERMISSION_OPTION                                              \
    {                                                                  \
        .name = "perm", .kind = OPT_TEXT, .value = "PERMISSION",       \
        .help = "such as call:orders.* or subscribe:market.>; may be " \
                "repeated, and replaces all there were"                \
    }

static const struct opt list_options[] = {
    {.name = "tenant", .kind = OPT_TEXT, .value = "TENANT", .help = "whose; one's own"},
    {.name = "after",
     .kind = OPT_TEXT,
     .value = "USER",
     .help = "the page behind this one: the last of it says what to say"},
    WATCH_OPTION,
    {0},
};
static const struct opt show_options[] = {WATCH_OPTION, {0}};
static const struct opt create_options[] = {PERMISSION_OPTION, {0}};
static const struct opt update_options[] = {
    PERMISSION_OPTION,
    {.name = "no-perms", .kind = OPT_FLAG, .help = "no permissions"},
    {.name = "password", .kind = OPT_FLAG, .help = "ask for another password"},
    {.name = "disable", .kind = OPT_FLAG, .help = "no login, and no token is good any more"},
    {.name = "enable", .kind = OPT_FLAG, .help = "login as before"},
    {0},
};

/* ---- asking ---- */

static char password[PASSWORD_INPUT_SIZE]; /* of the command that runs, once read */

static void ask_list(fbx_writer *w, const struct args *args)
{
    static const char *const names[] = {"tenant", "after"};
    fbx_write_map(w, (uint32_t)args_has(args, "tenant") + (uint32_t)args_has(args, "after"));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (args_has(args, names[i]))
            question_text(w, names[i], args_text(args, names[i], ""));
}

/* Whose account, and what the options say about it. */
static void ask(fbx_writer *w, const struct args *args)
{
    bool permissions = args_has(args, "perm") || args_has(args, "no-perms");
    bool state = args_has(args, "disable") || args_has(args, "enable");
    fbx_write_map(w, 2 + (uint32_t)permissions + (uint32_t)state + (password[0] != '\0'));
    question_text(w, "tenant", args_word(args, 0));
    question_text(w, "user", args_word(args, 1));
    if (permissions)
        question_texts(w, "permissions", args, "perm");
    if (password[0])
        question_text(w, "password", password);
    if (state) {
        fbx_write_text(w, "disabled");
        fbx_write_bool(w, args_has(args, "disable"));
    }
}

/* ---- showing ---- */

static const struct column columns[] = {
    {"USER", "user", UNIT_TEXT},
    {"DISABLED", "disabled", UNIT_TEXT},
    {"LOCKED", "locked", UNIT_TEXT},
    {"LOGINS", "logins", UNIT_COUNT},
    {"LAST", "login_ms", UNIT_MOMENT},
    {"PERMISSIONS", "permissions", UNIT_LIST},
    {0},
};

static const struct column alone[] = {
    {"tenant", "tenant", UNIT_TEXT},           {"user", "user", UNIT_TEXT},
    {"permissions", "permissions", UNIT_LIST}, {"disabled", "disabled", UNIT_TEXT},
    {"locked", "locked", UNIT_TEXT},           {"logins", "logins", UNIT_COUNT},
    {"last login", "login_ms", UNIT_MOMENT},   {"created", "created_ms", UNIT_MOMENT},
    {"changed", "changed_ms", UNIT_MOMENT},    {0},
};

static void show_list(struct buf *out, const struct cli *cli, const fbx_value *answer)
{
    fbx_value users = fbx_map_get(answer, "users");
    view_list(out, cli, &users, columns, "users");
    view_next(out, answer);
}

static void show_one(struct buf *out, const struct cli *cli, const fbx_value *answer)
{
    view_item(out, cli, answer, alone);
}

/* ---- commands ---- */

static int run_list(struct cli *cli, const struct args *args)
{
    return inquiry_run(cli, args, &(struct inquiry){"auth", "list", ask_list, show_list});
}

static int run_show(struct cli *cli, const struct args *args)
{
    return inquiry_run(cli, args, &(struct inquiry){"auth", "show", ask, show_one});
}

static int run_delete(struct cli *cli, const struct args *args)
{
    return inquiry_run(cli, args, &(struct inquiry){"auth", "delete", ask, NULL});
}

static int check(const struct cli *cli, const struct args *args)
{
    unsigned cursor = 0;
    for (const char *text; (text = args_next(args, "perm", &cursor));)
        if (!permission_valid(text))
            return cli_fail(cli, EXIT_USAGE, "'%.80s' is no permission", text);
    if (args_has(args, "perm") && args_has(args, "no-perms"))
        return cli_fail(cli, EXIT_USAGE, "--perm and --no-perms contradict each other");
    if (args_has(args, "disable") && args_has(args, "enable"))
        return cli_fail(cli, EXIT_USAGE, "--disable and --enable contradict each other");
    return EXIT_OK;
}

static int change(struct cli *cli, const struct args *args, const char *method, bool with_password)
{
    int code = check(cli, args);
    if (code == EXIT_OK && with_password)
        code = password_read(cli, "password: ", true, password);
    if (code == EXIT_OK)
        code = inquiry_run(cli, args, &(struct inquiry){"auth", method, ask, show_one});
    sodium_memzero(password, sizeof password);
    return code;
}

static int run_create(struct cli *cli, const struct args *args)
{
    return change(cli, args, "create", true);
}

static int run_update(struct cli *cli, const struct args *args)
{
    return change(cli, args, "update", args_has(args, "password"));
}

const struct command command_users_list = {
    .noun = "users",
    .verb = "list",
    .arguments = "",
    .summary = "list the users of a tenant who can log in",
    .about = "Needs call:auth.* and admin:TENANT/users, or admin:users for all tenants, as all of "
             "these commands do. They ask the service auth (docs/auth.md).",
    .options = list_options,
    .usual = true,
    .run = run_list,
};

const struct command command_users_show = {
    .noun = "users",
    .verb = "show",
    .arguments = "TENANT USER",
    .summary = "show one user",
    .options = show_options,
    .run = run_show,
};

const struct command command_users_create = {
    .noun = "users",
    .verb = "create",
    .arguments = "TENANT USER",
    .summary = "let somebody log in, with these permissions",
    .about = "Asks for the password, or reads it from standard input if that is no terminal. Who "
             "administers one tenant gives permissions that they have themselves.",
    .options = create_options,
    .run = run_create,
};

const struct command command_users_update = {
    .noun = "users",
    .verb = "update",
    .arguments = "TENANT USER",
    .summary = "give a user other permissions or another password, or end their logins",
    .about = "What is not mentioned stays. Tokens with the permissions before are taken back.",
    .options = update_options,
    .run = run_update,
};

const struct command command_users_delete = {
    .noun = "users",
    .verb = "delete",
    .arguments = "TENANT USER",
    .summary = "delete a user; their tokens are taken back",
    .about = "Prints nothing.",
    .run = run_delete,
};

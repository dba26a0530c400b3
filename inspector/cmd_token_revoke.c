#include "inquiry.h"
#include "view.h"

static const struct opt revoke_options[] = {
    {.name = "tenant", .kind = OPT_TEXT, .value = "TENANT", .help = "with --user: whose"},
    {.name = "user",
     .kind = OPT_TEXT,
     .value = "USER",
     .help = "all tokens of this user, rather than one by its id"},
    {.name = "issued-before",
     .kind = OPT_MOMENT,
     .value = "DATE",
     .help = "with --user: those issued before; now unless told otherwise"},
    {.name = "expires",
     .kind = OPT_MOMENT,
     .value = "DATE",
     .help = "with an id: when the token ends, after which it need not be remembered"},
    {0},
};

static const struct opt list_options[] = {
    {.name = "after",
     .kind = OPT_TEXT,
     .value = "TEXT",
     .help = "the page behind this one: the last of it says what to say"},
    WATCH_OPTION,
    {0},
};

static const struct field {
    const char *option, *key;
    bool is_moment;
} fields[] = {
    {"tenant", "tenant", false},     {"user", "user", false},
    {"after", "after", false},       {"issued-before", "issued_before_ms", true},
    {"expires", "expires_ms", true},
};
#define FIELDS (sizeof fields / sizeof *fields)

static void write_field(fbx_writer *w, const struct args *args, const struct field *field)
{
    fbx_write_text(w, field->key);
    if (field->is_moment)
        fbx_write_uint(w, args_number(args, field->option, 0));
    else
        fbx_write_text(w, args_text(args, field->option, ""));
}

static void ask(fbx_writer *w, const struct args *args)
{
    const char *id = args_word(args, 0);
    uint32_t n = id != NULL;
    for (size_t i = 0; i < FIELDS; i++)
        n += args_has(args, fields[i].option);
    fbx_write_map(w, n);
    if (id) {
        fbx_write_text(w, "id");
        fbx_write_text(w, id);
    }
    for (size_t i = 0; i < FIELDS; i++) {
        if (args_has(args, fields[i].option))
            write_field(w, args, &fields[i]);
    }
}

static const struct column columns[] = {
    {"ID", "id", UNIT_TEXT},
    {"TENANT", "tenant", UNIT_TEXT},
    {"USER", "user", UNIT_TEXT},
    {"ISSUED BEFORE", "issued_before_ms", UNIT_MOMENT},
    {"UNTIL", "until_ms", UNIT_MOMENT},
    {"AT", "at_ms", UNIT_MOMENT},
    {"BY", "by", UNIT_TEXT},
    {0},
};

static void show_list(struct buf *out, const struct cli *cli, const fbx_value *answer)
{
    fbx_value revoked = fbx_map_get(answer, "revoked");
    view_list(out, cli, &revoked, columns, "revoked tokens");
    view_next(out, answer);
}

static int run_revoke(struct cli *cli, const struct args *args)
{
    return inquiry_run(cli, args, &(struct inquiry){"bus.tokens", "revoke", ask, NULL});
}

static int run_list(struct cli *cli, const struct args *args)
{
    return inquiry_run(cli, args, &(struct inquiry){"bus.tokens", "list", ask, show_list});
}

const struct command command_token_revoke = {
    .noun = "token",
    .verb = "revoke",
    .arguments = "[ID]",
    .summary = "take back a token, or all those of a user, from the next call on",
    .about = "Needs admin:tokens for all tenants. The id is the token's jti (farebox token show). "
             "Sessions, subscriptions, feeds and taps made with it end. Prints nothing.",
    .options = revoke_options,
    .run = run_revoke,
};

const struct command command_token_revoked = {
    .noun = "token",
    .verb = "revoked",
    .arguments = "",
    .summary = "list the tokens that were taken back and could still be valid",
    .about = "Needs admin:tokens for all tenants.",
    .options = list_options,
    .run = run_list,
};

#include "base/clock.h"
#include "payload.h"
#include "token_key.h"
#include "token_text.h"
#include "view.h"
#include "wire/json.h"

static const struct opt options[] = {
    {.name = "secret-file",
     .kind = OPT_FILE,
     .value = "FILE",
     .help = "verify it with the broker's secret"},
    {.name = "keys-file", .kind = OPT_FILE, .value = "FILE", .help = "or with its keys: a JWK Set"},
    {.name = "issuer", .kind = OPT_TEXT, .value = "TEXT", .help = "verify that it has this one"},
    {.name = "audience", .kind = OPT_TEXT, .value = "TEXT", .help = "verify that it has this one"},
    {0},
};

static const struct column columns[] = {
    {"tenant", "tenant_id", UNIT_TEXT},
    {"user", "user_id", UNIT_TEXT},
    {"tier", "subscription_tier", UNIT_TEXT},
    {"status", "subscription_status", UNIT_STATE},
    {"permissions", "permissions", UNIT_LIST},
    {"features", "business_context.enterprise_features", UNIT_LIST},
    {"billed as", "business_context.billing_customer_id", UNIT_TEXT},
    {"issued", "iat", UNIT_DATE},
    {"expires", "exp", UNIT_DATE},
    {"issuer", "iss", UNIT_TEXT},
    {"audience", "aud", UNIT_TEXT},
    {"id", "jti", UNIT_TEXT},
    {0},
};

struct shown {
    const char *token;
    struct buf header, claims; /* MessagePack */
    bool checked, verified;
};

static void show_json(struct buf *out, const struct shown *shown)
{
    buf_printf(out, "{\"header\":");
    (void)json_from_msgpack(out, buf_slice(&shown->header), NULL);
    buf_printf(out, ",\"claims\":");
    (void)json_from_msgpack(out, buf_slice(&shown->claims), NULL);
    buf_printf(out, ",\"verified\":%s}\n",
               !shown->checked   ? "null"
               : shown->verified ? "true"
                                 : "false");
}

static void show_table(struct buf *out, const struct cli *cli, const struct shown *shown)
{
    fbx_value map;
    if (!fbx_read((fbx_bytes){shown->claims.data, shown->claims.len}, &map))
        return;
    view_item(out, cli, &map, columns);
    if (!shown->checked)
        buf_printf(out, "\nnot verified: that takes --secret-file\n");
    if (shown->verified)
        buf_printf(out, "\nverified\n");
}

/* `why` is told: whoever holds the secret may know. */
static int verify(const struct cli *cli, const struct args *args, struct shown *shown, char *why)
{
    struct token_claims claims;
    struct token_key *key;
    int code = token_load_key(cli, args, &key);
    if (code)
        return code;
    int64_t now_s = (int64_t)(clock_now().unix_ms / 1000);
    shown->checked = true;
    shown->verified = token_verify(key, slice_of(shown->token), now_s, &claims, why) == 0;
    if (shown->verified)
        token_claims_finish(&claims);
    token_key_destroy(key);
    return EXIT_OK;
}

static int show(const struct cli *cli, const struct args *args, struct shown *shown)
{
    struct buf out = {0};
    char why[128] = "";
    if (!token_text_read(shown->token, &shown->header, &shown->claims))
        return cli_fail(cli, EXIT_BAD_INPUT, "this is no JSON Web Token");
    bool checks = args_has(args, "secret-file") || args_has(args, "keys-file");
    int code = checks ? verify(cli, args, shown, why) : EXIT_OK;
    if (code)
        return code;
    if (cli->json)
        show_json(&out, shown);
    else
        show_table(&out, cli, shown);
    code = cli_write(cli, buf_slice(&out));
    buf_finish(&out);
    if (code == EXIT_OK && shown->checked && !shown->verified)
        code = cli_fail(cli, EXIT_NOT_ALLOWED, "the broker would refuse this token: %s", why);
    return code;
}

static int run(struct cli *cli, const struct args *args)
{
    struct shown shown = {0};
    const char *word = args_word(args, 0);
    if (word && strcmp(word, "-") != 0)
        return cli_fail(cli, EXIT_USAGE, "a token is shown from a file or from standard input (-)");
    int code = word ? cli_read_token_from(cli, "-") : cli_read_token(cli, args);
    if (code)
        return code;
    shown.token = cli->token;
    code = show(cli, args, &shown);
    buf_finish(&shown.header);
    buf_finish(&shown.claims);
    return code;
}

const struct command command_token_show = {
    .noun = "token",
    .verb = "show",
    .arguments = "[-]",
    .summary = "show what a token says",
    .about =
        "The token is that of the options or the environment, or with \"-\" what standard input "
        "holds. Without the secret its claims are shown as they are, true or not.",
    .options = options,
    .run = run,
};

#include "base/clock.h"
#include "base/name.h"
#include "cli.h"
#include "permission.h"
#include "token_key.h"

#include <stdlib.h>

#define DAY_MS 86400000u

static const struct opt options[] = {
    {.name = "secret-file",
     .kind = OPT_FILE,
     .value = "FILE",
     .help = "the broker's secret: the file's bytes without a trailing newline, at least 32"},
    {.name = "keys-file",
     .kind = OPT_FILE,
     .value = "FILE",
     .help = "or its keys: a JWK Set, of which the first key signs"},
    {.name = "tenant", .kind = OPT_TEXT, .value = "TENANT", .help = "whom the bearer belongs to"},
    {.name = "user", .kind = OPT_TEXT, .value = "USER", .help = "who the bearer is"},
    {.name = "tier",
     .kind = OPT_TEXT,
     .value = "TIER",
     .help = "the subscription's tier, such as free, pro or enterprise"},
    {.name = "perm",
     .kind = OPT_TEXT,
     .value = "PERMISSION",
     .help = "such as call:orders.* or subscribe:market.>; may be repeated"},
    {.name = "ttl", .kind = OPT_TIME, .value = "TIME", .help = "how long it is good for; 24h"},
    {.name = "status",
     .kind = OPT_CHOICE,
     .value = "active|past_due|suspended|expired",
     .help = "the subscription's status; active"},
    {.name = "feature",
     .kind = OPT_TEXT,
     .value = "FEATURE",
     .help = "an enterprise feature; may be repeated"},
    {.name = "billing-customer",
     .kind = OPT_TEXT,
     .value = "CUSTOMER",
     .help = "the billing system's name for the tenant"},
    {.name = "issuer", .kind = OPT_TEXT, .value = "TEXT", .help = "if the broker insists on one"},
    {.name = "audience", .kind = OPT_TEXT, .value = "TEXT", .help = "if the broker insists on one"},
    {0},
};

/* Claims borrow all text from the command line, so nothing here is freed with them. */
struct mint {
    struct token_claims claims;
    char *permissions[ARGS_GIVEN_MAX], *features[ARGS_GIVEN_MAX];
};

static size_t collect(const struct args *args, const char *option, char **out)
{
    unsigned cursor = 0;
    size_t n = 0;
    for (const char *text; (text = args_next(args, option, &cursor)) != NULL;)
        out[n++] = (char *)(uintptr_t)text;
    return n;
}

static char *borrow(const struct args *args, const char *option, const char *otherwise)
{
    return (char *)(uintptr_t)args_text(args, option, otherwise);
}

static void fill_claims(struct mint *mint, const struct args *args)
{
    int64_t now_s = (int64_t)(clock_now().unix_ms / 1000);
    mint->claims = (struct token_claims){
        .user = borrow(args, "user", NULL),
        .tenant = borrow(args, "tenant", NULL),
        .tier = borrow(args, "tier", NULL),
        .subscription_status = borrow(args, "status", "active"),
        .billing_customer = borrow(args, "billing-customer", NULL),
        .permissions = mint->permissions,
        .n_permissions = collect(args, "perm", mint->permissions),
        .features = mint->features,
        .n_features = collect(args, "feature", mint->features),
        .issued_s = now_s,
        .expires_s = now_s + (int64_t)((args_number(args, "ttl", DAY_MS) + 999) / 1000),
    };
}

static int check(const struct cli *cli, const struct args *args, const struct token_claims *claims)
{
    static const char *const needed[] = {"tenant", "user", "tier"};
    if (args_has(args, "secret-file") == args_has(args, "keys-file"))
        return cli_fail(cli, EXIT_USAGE, "--secret-file or --keys-file is needed");
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if (!args_has(args, needed[i]))
            return cli_fail(cli, EXIT_USAGE, "--%s is needed", needed[i]);
    if (!name_valid_tenant(slice_of(claims->tenant)))
        return cli_fail(cli, EXIT_USAGE, "'%.80s' is no tenant's name: " NAME_RULE ", and not bus",
                        claims->tenant);
    if (!name_valid_user(slice_of(claims->user)))
        return cli_fail(cli, EXIT_USAGE, "'%.80s' is no user's name: " NAME_USER_RULE,
                        claims->user);
    if (!name_valid(slice_of(claims->tier)))
        return cli_fail(cli, EXIT_USAGE, "'%.80s' is no tier's name: " NAME_RULE, claims->tier);
    for (size_t i = 0; i < claims->n_permissions; i++)
        if (!permission_valid(claims->permissions[i]))
            return cli_fail(cli, EXIT_USAGE, "'%.80s' is no permission", claims->permissions[i]);
    return EXIT_OK;
}

static int print_token(const struct cli *cli, const struct token_key *key,
                       const struct token_claims *claims)
{
    struct buf line = {0};
    char *token = token_mint(key, claims, claims->issued_s);
    if (!token)
        return cli_fail(cli, EXIT_USAGE, "these claims make no valid token");
    buf_printf(&line, cli->json ? "{\"token\":\"%s\"}\n" : "%s\n", token);
    free(token);
    int code = cli_write(cli, buf_slice(&line));
    buf_finish(&line);
    return code;
}

static int run(struct cli *cli, const struct args *args)
{
    struct token_key *key = NULL;
    struct mint mint;
    fill_claims(&mint, args);
    int code = check(cli, args, &mint.claims);
    if (code == EXIT_OK)
        code = token_load_key(cli, args, &key);
    if (code == EXIT_OK)
        code = print_token(cli, key, &mint.claims);
    token_key_destroy(key);
    return code;
}

const struct command command_token_mint = {
    .noun = "token",
    .verb = "mint",
    .arguments = "",
    .summary = "sign a token with the broker's secret",
    .about =
        "Prints the token and nothing else, so that it can go straight into a file. "
        "docs/permissions.md explains permissions; without any the token may do next to nothing.",
    .options = options,
    .run = run,
};

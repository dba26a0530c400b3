#include "base/mem.h"
#include "human.h"
#include "inquiry.h"
#include "payload.h"
#include "permission.h"
#include "question.h"
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
    {.name = "as-token-file",
     .kind = OPT_TEXT,
     .value = "FILE",
     .help = "as whoever the token in it stands for; needs admin:explain of all tenants"},
    {.name = "idempotency-key",
     .kind = OPT_TEXT,
     .value = "KEY",
     .help = "with this key; with the JSON, too, it is compared with what the key was used for"},
    WATCH_OPTION,
    {0},
};

/* Read before there is a question, as both may come from a file. */
static struct buf payload;
static char *token;

static const struct column steps[] = {
    {"FILTER", "filter", UNIT_TEXT},
    {"VERDICT", "verdict", UNIT_STATE},
    {"STATUS", "status", UNIT_TEXT},
    {"WHY", "message", UNIT_TEXT},
    {"RETRY AFTER", "retry_after_ms", UNIT_WAIT},
    {0},
};

static void write_payload(fbx_writer *w)
{
    fbx_value read;
    fbx_write_text(w, "payload");
    if (fbx_read((fbx_bytes){payload.data, payload.len}, &read))
        fbx_write_value(w, &read);
    else
        fbx_write_nil(w);
}

static void ask(fbx_writer *w, const struct args *args)
{
    static const struct {
        const char *option, *key;
    } texts[] = {{"tenant", "tenant"},
                 {"user", "user"},
                 {"tier", "tier"},
                 {"idempotency-key", "idempotency_key"}};
    uint32_t pairs = 2 + (uint32_t)args_has(args, "perm") + (token != NULL) + (payload.len > 0);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        pairs += args_has(args, texts[i].option);
    fbx_write_map(w, pairs);
    question_text(w, "service", args_word(args, 0));
    question_text(w, "method", args_word(args, 1));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (args_has(args, texts[i].option))
            question_text(w, texts[i].key, args_text(args, texts[i].option, ""));
    }
    if (args_has(args, "perm"))
        question_texts(w, "permissions", args, "perm");
    if (token)
        question_text(w, "token", token);
    if (payload.len > 0)
        write_payload(w);
}

/* What a refusal says beside its message: on lines of its own, as elsewhere. */
static void show_details(struct buf *out, const fbx_value *step)
{
    fbx_value details = fbx_map_get(step, "details"), filter = fbx_map_get(step, "filter");
    const unsigned char *cursor = NULL;
    fbx_value key, text;
    if (details.type != FBX_MAP || details.count == 0 || filter.type != FBX_TEXT)
        return;
    buf_printf(out, "\n");
    human_text(out, slice_make(filter.as.bytes.data, filter.as.bytes.len));
    buf_printf(out, "\n");
    while (fbx_next(&details, &cursor, &key) && fbx_next(&details, &cursor, &text)) {
        buf_printf(out, "  ");
        human_text(out, slice_make(key.as.bytes.data, key.as.bytes.len));
        buf_printf(out, ": ");
        human_text(out, slice_make(text.as.bytes.data, text.as.bytes.len));
        buf_printf(out, "\n");
    }
}

static void show(struct buf *out, const struct cli *cli, const fbx_value *answer)
{
    char outcome[64] = "";
    const unsigned char *cursor = NULL;
    fbx_value step;
    fbx_value rows = fbx_map_get(answer, "steps"), text = fbx_map_get(answer, "outcome");
    fbx_value waits = fbx_map_get(answer, "waits"), replayed = fbx_map_get(answer, "replayed");
    view_list(out, cli, &rows, steps, "filters");
    while (fbx_next(&rows, &cursor, &step))
        show_details(out, &step);
    (void)fbx_as_text(&text, outcome, sizeof outcome);
    if (fbx_as_bool(&replayed, false))
        buf_printf(out, "\nthe call would get the answer that was kept, %s\n", outcome);
    else if (strcmp(outcome, "ok") != 0)
        buf_printf(out, "\nthe call would end as %s\n", outcome);
    else
        buf_printf(out, "\nthe call would %s\n",
                   fbx_as_bool(&waits, false) ? "wait" : "go to its service");
}

static int check_permissions(const struct cli *cli, const struct args *args)
{
    unsigned cursor = 0;
    for (const char *text; (text = args_next(args, "perm", &cursor));) {
        if (!permission_valid(text))
            return cli_fail(cli, EXIT_USAGE, "'%.80s' is no permission", text);
    }
    return EXIT_OK;
}

static int run(struct cli *cli, const struct args *args)
{
    const char *file = args_text(args, "as-token-file", NULL);
    int code = check_permissions(cli, args);
    if (!code && file)
        code = cli_read_token_file(cli, file, &token);
    if (!code && args_word(args, 2))
        code = payload_read(cli, args_word(args, 2), &payload);
    if (!code)
        code = inquiry_run(cli, args, &(struct inquiry){"bus.explain", "call", ask, show});
    buf_finish(&payload);
    mem_free(token);
    return code;
}

const struct command command_explain = {
    .noun = "explain",
    .arguments = "SERVICE METHOD [JSON|-]",
    .summary = "say what would become of a call, and why",
    .about =
        "The broker's own filters say it, one after the other; nothing is counted or sent. For "
        "yourself anybody may ask; to suppose somebody else needs admin:explain. Who is "
        "supposed has the permissions given with --perm and those of their tier. A token is judged "
        "as it would be, and neither shown nor remembered.",
    .options = options,
    .run = run,
};

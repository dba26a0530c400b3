#include "ask.h"
#include "payload.h"
#include "pretty.h"

#define TIMEOUT_MS 30000u

static const struct opt options[] = {
    {.name = "tenant",
     .kind = OPT_TEXT,
     .value = "TENANT",
     .help = "insist on this tenant: anyone else's token is refused"},
    {.name = "idempotency-key",
     .kind = OPT_TEXT,
     .value = "KEY",
     .help = "names the call, so that repeating it does nothing twice"},
    {.name = "idempotent",
     .kind = OPT_FLAG,
     .help = "the call may be tried again if its outcome is lost"},
    {.name = "stream",
     .kind = OPT_FLAG,
     .help = "print the parts of a streamed reply as they come"},
    {.name = "raw", .kind = OPT_FLAG, .help = "print the reply's bytes as they are"},
    {0},
};

static void add_part(struct ask *ask, fbx_bytes part)
{
    struct buf line = {0};
    payload_to_json(&line, part, NULL);
    (void)lines_add(ask->lines, buf_slice(&line));
    buf_finish(&line);
}

/* For people it is laid out; a program, and whoever reads parts, wants a line. */
static void format_reply(struct buf *out, const struct cli *cli, const struct args *args,
                         const fbx_reply *reply)
{
    struct buf json = {0};
    fbx_bytes payload = fbx_reply_payload(reply);
    if (args_has(args, "raw")) {
        buf_append(out, payload.data, payload.len);
        return;
    }
    payload_to_json(&json, payload, fbx_reply_content_type(reply));
    if (cli->json || args_has(args, "stream"))
        buf_append(out, json.data, json.len);
    else
        pretty_json(out, buf_slice(&json));
    buf_append(out, "\n", 1);
    buf_finish(&json);
}

static int print_reply(const struct cli *cli, const struct args *args, const fbx_reply *reply)
{
    struct buf text = {0};
    format_reply(&text, cli, args, reply);
    int code = cli_write(cli, buf_slice(&text));
    buf_finish(&text);
    return code;
}

static int make_call(const struct cli *cli, const struct args *args, fbx_bytes payload)
{
    struct lines lines;
    fbx_reply *reply;
    bool stream = args_has(args, "stream");
    lines_init(&lines, SIZE_MAX, UINT64_MAX);
    struct ask ask = {
        .service = args_word(args, 0),
        .method = args_word(args, 1),
        .payload = payload,
        .options = {.timeout_ms = cli_timeout_ms(cli, TIMEOUT_MS),
                    .idempotency_key = args_text(args, "idempotency-key", NULL),
                    .idempotent = args_has(args, "idempotent"),
                    .tenant = args_text(args, "tenant", NULL)},
        .on_part = stream ? add_part : NULL,
        .lines = stream ? &lines : NULL,
    };
    int code = ask_run(cli, &ask, &reply);
    if (reply && fbx_reply_replayed(reply))
        cli_note(cli, "the answer given before for this idempotency key");
    if (reply)
        code = print_reply(cli, args, reply);
    fbx_reply_free(reply);
    lines_finish(&lines);
    return code;
}

static int run(struct cli *cli, const struct args *args)
{
    struct buf payload = {0};
    if (args_has(args, "raw") && args_has(args, "stream"))
        return cli_fail(cli, EXIT_USAGE, "--raw and --stream exclude each other");
    int code = payload_read(cli, args_word(args, 2), &payload);
    if (code == EXIT_OK)
        code = cli_connect(cli, args);
    if (code == EXIT_OK)
        code = make_call(cli, args, (fbx_bytes){payload.data, payload.len});
    buf_finish(&payload);
    return code;
}

const struct command command_call = {
    .noun = "call",
    .arguments = "SERVICE METHOD [JSON|-]",
    .summary = "call a method and print its reply",
    .about =
        "The request is the JSON given, or what standard input holds if that is \"-\", or {} "
        "without any. The reply is printed as JSON; Ctrl-C cancels the call at the service too.",
    .options = options,
    .run = run,
};

#include "human.h"
#include "lines.h"
#include "payload.h"
#include "wait.h"

#define WAITING_MAX \
    (16u * 1024 * 1024) /* of text behind a slow reader, before events count as missed */

static const struct opt options[] = {
    {.name = "count", .kind = OPT_COUNT, .value = "N", .help = "end after this many events"},
    {.name = "group",
     .kind = OPT_TEXT,
     .value = "GROUP",
     .help = "join a queue group: each event goes to one of its members"},
    {.name = "tenant",
     .kind = OPT_TEXT,
     .value = "TENANT",
     .help = "listen to this tenant's events, or to all with \"*\", if the token may"},
    {.name = "timeout", .kind = OPT_TIME, .value = "TIME", .help = "end after this long"},
    {0},
};

struct sub {
    struct cli *cli;
    struct lines lines;
    bool show_tenant;
    _Atomic(fbx_reply *) refusal; /* the broker takes the token no more */
    uint64_t dropped;             /* here, because the reader is too slow; library's thread only */
    struct buf line, payload;     /* library's thread only */
};

static void write_json_event(struct sub *sub, const fbx_event *event, uint64_t missed)
{
    struct buf *line = &sub->line;
    buf_printf(line, "{\"topic\":\"%s\",\"payload\":%.*s,\"sequence\":%llu,\"missed\":%llu",
               event->topic, SLICE_FMT(buf_slice(&sub->payload)),
               (unsigned long long)event->sequence, (unsigned long long)missed);
    if (sub->show_tenant)
        buf_printf(line, ",\"tenant\":\"%s\"", event->tenant);
    buf_printf(line, "}");
}

static void write_text_event(struct sub *sub, const fbx_event *event, uint64_t missed)
{
    struct buf *line = &sub->line;
    if (missed)
        buf_printf(line, "(%llu events missed)\n", (unsigned long long)missed);
    if (sub->show_tenant)
        buf_printf(line, "%s  ", event->tenant);
    buf_printf(line, "%s  ", event->topic);
    human_text(line, buf_slice(&sub->payload));
}

static void on_event(void *arg, const fbx_event *event)
{
    struct sub *sub = arg;
    uint64_t missed = event->missed + sub->dropped;
    sub->line.len = sub->payload.len = 0;
    payload_to_json(&sub->payload, event->payload, event->content_type);
    if (sub->cli->json)
        write_json_event(sub, event, missed);
    else
        write_text_event(sub, event, missed);
    sub->dropped = lines_add(&sub->lines, buf_slice(&sub->line)) ? 0 : missed + 1;
}

static void on_word(void *arg, const fbx_reply *reply)
{
    struct sub *sub = arg;
    if (fbx_reply_status(reply) != FBX_UNAUTHENTICATED || atomic_load(&sub->refusal))
        return;
    atomic_store(&sub->refusal, fbx_reply_retain(reply));
    wait_wake();
}

/* A subscription waits for its broker without a word, for ever. A question sent beside it is
 * answered when the broker is back, or refuses the token. */
static void inquire(struct sub *sub)
{
    const fbx_call_options lasting = {.timeout_ms = UINT32_MAX, .idempotent = true};
    (void)fbx_call_async(sub->cli->bus, "bus.registry", "list", (fbx_bytes){"\x80", 1}, &lasting,
                         on_word, sub, NULL);
}

static int judge_connection(struct sub *sub, unsigned *losses)
{
    unsigned lost = atomic_load(&sub->cli->losses);
    fbx_reply *refusal = atomic_load(&sub->refusal);
    if (refusal)
        return cli_fail_reply(sub->cli, refusal);
    if (lost != *losses)
        inquire(sub);
    *losses = lost;
    return EXIT_OK;
}

static int follow(struct sub *sub, uint64_t until)
{
    unsigned losses = 0;
    while (!lines_complete(&sub->lines)) {
        enum wait_end end = wait_ms(wait_left(until));
        int code = lines_write(&sub->lines, sub->cli);
        if (code || end == WAIT_DEAF)
            return code;
        if (end == WAIT_INTERRUPTED)
            return EXIT_INTERRUPTED;
        if (end == WAIT_TIMEOUT)
            return lines_judge(&sub->lines, sub->cli);
        code = judge_connection(sub, &losses);
        if (code)
            return code;
    }
    return EXIT_OK;
}

static int subscribe_and_follow(struct sub *sub, const struct args *args)
{
    const char *pattern = args_word(args, 0);
    const fbx_subscribe_options wanted = {.group = args_text(args, "group", NULL),
                                          .tenant = args_text(args, "tenant", NULL)};
    uint64_t id;
    int error = fbx_subscribe(sub->cli->bus, pattern, &wanted, on_event, sub, &id);
    if (error)
        return cli_fail_error(sub->cli, error, "subscribe");
    cli_note(sub->cli, "subscribed");
    int code = follow(sub, wait_until(args_number(args, "timeout", WAIT_FOR_EVER)));
    (void)fbx_unsubscribe(sub->cli->bus, id);
    return code;
}

static int run(struct cli *cli, const struct args *args)
{
    struct sub sub = {.cli = cli, .show_tenant = args_has(args, "tenant")};
    int code = cli_connect(cli, args);
    if (code)
        return code;
    wait_arm();
    lines_init(&sub.lines, WAITING_MAX, args_number(args, "count", UINT64_MAX));
    code = subscribe_and_follow(&sub, args);
    /* no event can come in any more once the session is over */
    cli_finish(cli);
    fbx_reply_free(atomic_load(&sub.refusal));
    lines_finish(&sub.lines);
    buf_finish(&sub.line);
    buf_finish(&sub.payload);
    return code;
}

const struct command command_sub = {
    .noun = "sub",
    .arguments = "PATTERN",
    .summary = "print events as they come",
    .about =
        "In a pattern * stands for one token and > for the rest. Under -o json each event is a "
        "line with topic, payload, sequence and missed, the number of events lost just before it "
        "because this reader is too slow. \"subscribed\" on standard error says that nothing "
        "published "
        "from now on will be overlooked.",
    .options = options,
    .run = run,
};

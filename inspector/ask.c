#include "ask.h"

#include "wait.h"

#include <limits.h>

#define ASK_AGAIN_MS 100u

static void on_reply(void *arg, const fbx_reply *reply)
{
    struct ask *ask = arg;
    atomic_store(&ask->reply, fbx_reply_retain(reply));
    wait_wake();
}

static void on_part(void *arg, fbx_bytes part, uint32_t index)
{
    struct ask *ask = arg;
    (void)index;
    ask->on_part(ask, part);
}

static int write_lines(const struct cli *cli, struct ask *ask)
{
    return ask->lines ? lines_write(ask->lines, cli) : EXIT_OK;
}

/* Until the reply is here, which after a cancel is at once. `*ended` tells whether the wait was
 * cut short by us rather than by the reply. */
static int await(const struct cli *cli, struct ask *ask, uint64_t id, bool *ended)
{
    int code = EXIT_OK;
    *ended = false;
    while (!atomic_load(&ask->reply)) {
        enum wait_end end = wait_ms(wait_left(ask->until));
        if (code == EXIT_OK)
            code = write_lines(cli, ask);
        if (end == WAIT_INTERRUPTED)
            code = EXIT_INTERRUPTED;
        bool enough = ask->lines && lines_complete(ask->lines);
        if (!*ended && (code || enough || end == WAIT_DEAF || end == WAIT_TIMEOUT)) {
            *ended = true;
            (void)fbx_cancel(cli->bus, id);
        }
    }
    return code ? code : write_lines(cli, ask);
}

/* `*reply` stays NULL when the wait was cut short, or everything wanted is here. */
static int ask_once(const struct cli *cli, struct ask *ask, fbx_reply **reply)
{
    uint64_t id;
    bool ended;
    atomic_store(&ask->reply, NULL);
    int error = fbx_call_async(cli->bus, ask->service, ask->method, ask->payload, &ask->options,
                               on_reply, ask, &id);
    if (error)
        return cli_fail_error(cli, error, "call");
    int code = await(cli, ask, id, &ended);
    fbx_reply *answer = atomic_load(&ask->reply);
    bool complete = ended || (ask->lines && lines_complete(ask->lines));
    if (code == EXIT_OK && !complete)
        *reply = answer;
    else
        fbx_reply_free(answer);
    return code;
}

static bool broker_is_gone(const fbx_reply *reply)
{
    int status = reply ? fbx_reply_status(reply) : FBX_OK;
    return status == FBX_OUTCOME_UNKNOWN || status == FBX_UNAVAILABLE;
}

/* A broker that is stopping refuses at once, again and again: not to be asked in a hurry. */
static int pause_before_asking(const struct cli *cli, struct ask *ask)
{
    uint64_t until = wait_until(ASK_AGAIN_MS);
    enum wait_end end = WAIT_WOKEN;
    while (end == WAIT_WOKEN)
        end = wait_ms(wait_left(until));
    if (end == WAIT_INTERRUPTED)
        return EXIT_INTERRUPTED;
    return write_lines(cli, ask);
}

/* Once for each connection, however often a broker that is stopping refuses. */
static void note_gap(const struct cli *cli, unsigned *told)
{
    unsigned returns = atomic_load(&cli->returns);
    if (*told != returns)
        cli_note(cli, "watching again; what passed meanwhile went unseen");
    *told = returns;
}

static int ask_any(const struct cli *cli, struct ask *ask, fbx_reply **reply)
{
    *reply = NULL;
    wait_arm();
    if (ask->on_part)
        ask->options.on_part = on_part;
    int code = ask_once(cli, ask, reply);
    for (unsigned told = UINT_MAX; code == EXIT_OK && ask->lasting && broker_is_gone(*reply);) {
        fbx_reply_free(*reply);
        *reply = NULL;
        note_gap(cli, &told);
        code = pause_before_asking(cli, ask);
        if (code == EXIT_OK)
            code = ask_once(cli, ask, reply);
    }
    return code;
}

int ask_run(const struct cli *cli, struct ask *ask, fbx_reply **reply)
{
    int code = ask_any(cli, ask, reply);
    if (*reply && fbx_reply_status(*reply) != FBX_OK) {
        code = cli_fail_reply(cli, *reply);
        fbx_reply_free(*reply);
        *reply = NULL;
    }
    return code;
}

static int ask_of_broker(const struct cli *cli, const char *service, const char *method,
                         const fbx_writer *request, fbx_reply **reply,
                         int (*run)(const struct cli *, struct ask *, fbx_reply **))
{
    fbx_writer empty = {0};
    fbx_write_map(&empty, 0);
    struct ask ask = {
        .service = service,
        .method = method,
        .payload = fbx_written(request ? request : &empty),
        .options = {.timeout_ms = cli_timeout_ms(cli, CLI_TIMEOUT_MS), .idempotent = true},
    };
    int code = run(cli, &ask, reply);
    fbx_writer_free(&empty);
    return code;
}

int ask_broker(const struct cli *cli, const char *service, const char *method,
               const fbx_writer *request, fbx_reply **reply)
{
    return ask_of_broker(cli, service, method, request, reply, ask_run);
}

int ask_broker_any(const struct cli *cli, const char *service, const char *method,
                   const fbx_writer *request, fbx_reply **reply)
{
    return ask_of_broker(cli, service, method, request, reply, ask_any);
}

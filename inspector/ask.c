#include "ask.h"

#include "wait.h"

#define BROKER_TIMEOUT_MS 10000u /* its own services answer at once or not at all */

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
        enum wait_end end = wait_ms(WAIT_FOR_EVER);
        if (code == EXIT_OK)
            code = write_lines(cli, ask);
        if (end == WAIT_INTERRUPTED)
            code = EXIT_INTERRUPTED;
        bool enough = ask->lines && lines_complete(ask->lines);
        if (!*ended && (code || enough || end == WAIT_DEAF)) {
            *ended = true;
            (void)fbx_cancel(cli->bus, id);
        }
    }
    return code ? code : write_lines(cli, ask);
}

int ask_run(const struct cli *cli, struct ask *ask, fbx_reply **reply)
{
    uint64_t id;
    bool ended;
    *reply = NULL;
    wait_arm();
    if (ask->on_part)
        ask->options.on_part = on_part;
    int error = fbx_call_async(cli->bus, ask->service, ask->method, ask->payload, &ask->options,
                               on_reply, ask, &id);
    if (error)
        return cli_fail_error(cli, error, "call");
    int code = await(cli, ask, id, &ended);
    fbx_reply *answer = atomic_load(&ask->reply);
    bool complete = ended || (ask->lines && lines_complete(ask->lines));
    if (code == EXIT_OK && !complete && fbx_reply_status(answer) != FBX_OK)
        code = cli_fail_reply(cli, answer);
    if (code == EXIT_OK && !complete)
        *reply = answer;
    else
        fbx_reply_free(answer);
    return code;
}

int ask_broker(const struct cli *cli, const char *service, const char *method,
               const fbx_writer *request, fbx_reply **reply)
{
    fbx_writer empty = {0};
    fbx_write_map(&empty, 0);
    struct ask ask = {
        .service = service,
        .method = method,
        .payload = fbx_written(request ? request : &empty),
        .options = {.timeout_ms = BROKER_TIMEOUT_MS, .idempotent = true},
    };
    int code = ask_run(cli, &ask, reply);
    fbx_writer_free(&empty);
    return code;
}

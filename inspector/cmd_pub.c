#include "payload.h"

static int run(struct cli *cli, const struct args *args)
{
    struct buf payload = {0};
    const fbx_publish_options options = {.confirm = true};
    int code = payload_read(cli, args_word(args, 1), &payload);
    if (code == EXIT_OK)
        code = cli_connect(cli, args);
    if (code == EXIT_OK) {
        int error = fbx_publish(cli->bus, args_word(args, 0),
                                (fbx_bytes){payload.data, payload.len}, &options);
        if (error)
            code = cli_fail_error(cli, error, "publish");
    }
    buf_finish(&payload);
    return code;
}

const struct command command_pub = {
    .noun = "pub",
    .arguments = "TOPIC [JSON|-]",
    .summary = "publish an event",
    .about = "Prints nothing: it succeeds once the broker has confirmed the event. The payload is "
             "given as for call.",
    .run = run,
};

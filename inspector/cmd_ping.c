#include "base/clock.h"
#include "cli.h"
#include "human.h"
#include "wait.h"

#define BETWEEN_MS 1000u

static const struct opt options[] = {
    {.name = "count", .kind = OPT_COUNT, .value = "N", .help = "this many, one a second; 1"},
    {0},
};

static int ping(const struct cli *cli, uint64_t number)
{
    struct buf line = {0};
    uint64_t start = clock_mono_ns();
    int error = fbx_ping(cli->bus, cli_timeout_ms(cli, CLI_TIMEOUT_MS));
    uint64_t nanos = clock_mono_ns() - start;
    if (error)
        return cli_fail_error(cli, error, "ping");
    if (cli->json) {
        buf_printf(&line, "{\"ping\":%llu,\"rtt_us\":%.1f}\n", (unsigned long long)number,
                   (double)nanos / 1000);
    } else {
        buf_printf(&line, "pong in ");
        human_nanos(&line, nanos);
        buf_printf(&line, "\n");
    }
    int code = cli_write(cli, buf_slice(&line));
    buf_finish(&line);
    return code;
}

static int run(struct cli *cli, const struct args *args)
{
    uint64_t count = args_number(args, "count", 1);
    int code = cli_connect(cli, args);
    wait_arm();
    for (uint64_t i = 1; code == EXIT_OK && i <= count; i++) {
        code = ping(cli, i);
        enum wait_end end = code || i == count ? WAIT_TIMEOUT : wait_ms(BETWEEN_MS);
        if (end == WAIT_INTERRUPTED)
            code = EXIT_INTERRUPTED;
        if (end == WAIT_DEAF)
            break;
    }
    return code;
}

const struct command command_ping = {
    .noun = "ping",
    .arguments = "",
    .summary = "measure the way to the broker and back",
    .options = options,
    .run = run,
};

/* farebox: looks into a Farebox bus, and drives it. */
#include "cli.h"
#include "commands.h"
#include "help.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static int print_help(const struct cli *cli, const struct args *args)
{
    struct buf text = {0};
    help_print(&text, args, commands, commands_options);
    int code = cli_write(cli, buf_slice(&text));
    buf_finish(&text);
    return code;
}

static int complain(const struct cli *cli, const struct args *args)
{
    struct buf where = {0};
    help_where(&where, args);
    int code = cli_fail(cli, EXIT_USAGE, "%s (see farebox %.*s)",
                        *args->error ? args->error : "no command", SLICE_FMT(buf_slice(&where)));
    buf_finish(&where);
    return code;
}

static int run(struct cli *cli, const struct args *args, int parsed)
{
    if (args->help)
        return print_help(cli, args);
    if (parsed == 0 && args_has(args, "version"))
        return command_version.run(cli, args);
    if (parsed != 0 || !args->command)
        return complain(cli, args);
    return args->command->run(cli, args);
}

/* A standard stream that came closed stays useless, but its number is taken: else the connection to
 * the broker would be given it, and be written to. */
static void occupy_closed_streams(void)
{
    static const int modes[] = {O_WRONLY, O_RDONLY, O_RDONLY};
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) < 0)
            _exit(EXIT_INTERNAL);
}

int main(int argc, char **argv)
{
    struct args args;
    struct cli cli;
    /* A reader who leaves is noticed where it happens, and no reason to leave the bus without a
     * word. */
    signal(SIGPIPE, SIG_IGN);
    occupy_closed_streams();
    int parsed = args_parse(&args, commands, commands_options, argc - 1, argv + 1);
    cli_init(&cli, &args);
    int code = run(&cli, &args, parsed);
    cli_finish(&cli);
    return code;
}

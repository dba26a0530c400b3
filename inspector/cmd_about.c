/* The commands that are about the inspector itself. */
#include "cli.h"
#include "commands.h"
#include "completion.h"
#include "manual.h"

static int print(const struct cli *cli, struct buf *text)
{
    int code = cli_write(cli, buf_slice(text));
    buf_finish(text);
    return code;
}

static int run_completion(struct cli *cli, const struct args *args)
{
    struct buf text = {0};
    const char *shell = args_word(args, 0);
    if (!args_is_choice(COMPLETION_SHELLS, shell))
        return cli_fail(cli, EXIT_USAGE, "no completion for '%.40s': one of %s", shell,
                        COMPLETION_SHELLS);
    completion_print(&text, shell, commands, commands_options);
    return print(cli, &text);
}

static int run_manual(struct cli *cli, const struct args *args)
{
    struct buf text = {0};
    (void)args;
    manual_print(&text, commands, commands_options);
    return print(cli, &text);
}

static int run_version(struct cli *cli, const struct args *args)
{
    struct buf text = {0};
    (void)args;
    buf_printf(&text, cli->json ? "{\"version\":\"%s\"}\n" : "farebox %s\n", FAREBOX_VERSION);
    return print(cli, &text);
}

const struct command command_completion = {
    .noun = "completion",
    .arguments = COMPLETION_SHELLS,
    .summary = "print completion for a shell",
    .about = "For bash: source <(farebox completion bash).",
    .run = run_completion,
};

const struct command command_manual = {
    .noun = "manual",
    .arguments = "",
    .summary = "print the manual page",
    .about = "In roff: farebox manual | man -l -.",
    .run = run_manual,
};

const struct command command_version = {
    .noun = "version",
    .arguments = "",
    .summary = "print the version",
    .run = run_version,
};

#include "ask.h"
#include "password.h"
#include "question.h"
#include "view.h"

#include <sodium.h>

static int print(const struct cli *cli, const fbx_reply *reply)
{
    struct buf line = {0};
    fbx_value answer, token = {0};
    if (fbx_read(fbx_reply_payload(reply), &answer))
        token = fbx_map_get(&answer, "token");
    if (token.type != FBX_TEXT)
        return cli_fail(cli, EXIT_UNCERTAIN, "the answer holds no token");
    if (cli->json)
        view_json(&line, reply);
    else
        buf_printf(&line, "%.*s\n", (int)token.as.bytes.len, (const char *)token.as.bytes.data);
    int code = cli_write(cli, buf_slice(&line));
    sodium_memzero(line.data, line.cap);
    buf_finish(&line);
    return code;
}

static int log_in(const struct cli *cli, const struct args *args, const char *password)
{
    fbx_writer w = {0};
    fbx_reply *reply = NULL;
    fbx_write_map(&w, 3);
    question_text(&w, "tenant", args_word(args, 0));
    question_text(&w, "user", args_word(args, 1));
    question_text(&w, "password", password);
    struct ask ask = {.service = "auth",
                      .method = "login",
                      .payload = fbx_written(&w),
                      .options = {.timeout_ms = cli_timeout_ms(cli, CLI_TIMEOUT_MS)}};
    int code = ask_run(cli, &ask, &reply);
    sodium_memzero(w.data, w.len);
    fbx_writer_free(&w);
    if (reply)
        code = print(cli, reply);
    fbx_reply_free(reply);
    return code;
}

static int run(struct cli *cli, const struct args *args)
{
    char password[PASSWORD_INPUT_SIZE] = "";
    int code = password_read(cli, "password: ", false, password);
    if (code == EXIT_OK)
        code = cli_connect(cli, args);
    if (code == EXIT_OK)
        code = log_in(cli, args, password);
    sodium_memzero(password, sizeof password);
    return code;
}

const struct command command_login = {
    .noun = "login",
    .arguments = "TENANT USER",
    .summary = "a password's worth: prints a token of that user",
    .about =
        "Asks for the password, or reads it from standard input if that is no terminal. Prints "
        "the token and nothing else, or with -o json all that the service auth answered, the "
        "refresh token too. The token it asks with needs call:auth.login, and is one of the "
        "same tenant or of that of the service (docs/auth.md).",
    .run = run,
};

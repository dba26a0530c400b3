#include "cli.h"

#include "base/file.h"
#include "base/mem.h"
#include "human.h"
#include "wait.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TOKEN_FILE_MAX 16384u

static const char *from_environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

void cli_init(struct cli *cli, const struct args *args)
{
    *cli = (struct cli){0};
    cli->json = strcmp(args_text(args, "output", "table"), "json") == 0;
    cli->colour = !cli->json && !args_has(args, "no-color") && !from_environment("NO_COLOR") &&
                  isatty(STDOUT_FILENO);
}

void cli_finish(struct cli *cli)
{
    atomic_store(&cli->leaving, true);
    fbx_close(cli->bus);
    mem_free(cli->token);
    cli->bus = NULL;
    cli->token = NULL;
}

/* ---- files ---- */

int cli_read_file(const struct cli *cli, const char *path, size_t max, struct buf *out)
{
    bool standard = strcmp(path, "-") == 0;
    int rc = standard ? file_read_fd(out, STDIN_FILENO, max) : file_read(out, path, max);
    const char *name = standard ? "standard input" : path;
    if (rc == -EFBIG)
        return cli_fail(cli, EXIT_BAD_INPUT, "too large: %s has more than %zu bytes", name, max);
    if (rc)
        return cli_fail(cli, EXIT_NO_INPUT, "cannot read %s: %s", name, strerror(-rc));
    return EXIT_OK;
}

static int write_all(int fd, struct slice text)
{
    while (text.len > 0) {
        ssize_t done = write(fd, text.data, text.len);
        if (done < 0 && errno == EAGAIN)
            (void)poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
        else if (done < 0 && errno != EINTR)
            return -errno;
        if (done > 0)
            text = slice_make(text.data + done, text.len - (size_t)done);
    }
    return 0;
}

int cli_write(const struct cli *cli, struct slice text)
{
    int rc = write_all(STDOUT_FILENO, text);
    if (rc == 0 || rc == -EPIPE)
        return EXIT_OK;
    return cli_fail(cli, EXIT_NO_OUTPUT, "cannot write: %s", strerror(-rc));
}

/* ---- the broker ---- */

int cli_read_token_file(const struct cli *cli, const char *path, char **token)
{
    struct buf text = {0};
    int code = cli_read_file(cli, path, TOKEN_FILE_MAX, &text);
    while (text.len && isspace(text.data[text.len - 1]))
        text.len--;
    if (code == EXIT_OK && text.len == 0)
        code = cli_fail(cli, EXIT_BAD_INPUT, "%s holds no token", path);
    buf_append(&text, "", 1);
    if (code == EXIT_OK)
        *token = mem_strdup((const char *)text.data);
    buf_finish(&text);
    return code;
}

int cli_read_token_from(struct cli *cli, const char *path)
{
    return cli_read_token_file(cli, path, &cli->token);
}

int cli_read_token(struct cli *cli, const struct args *args)
{
    const char *given = args_text(args, "token", NULL);
    const char *file = args_text(args, "token-file", NULL);
    const char *token = given || file ? given : from_environment("FAREBOX_TOKEN");
    if (!token && !file)
        file = from_environment("FAREBOX_TOKEN_FILE");
    if (!token && !file)
        return cli_fail(cli, EXIT_USAGE, "no token: set FAREBOX_TOKEN_FILE, or give --token-file");
    if (!token)
        return cli_read_token_from(cli, file);
    cli->token = mem_strdup(token);
    if (given) /* the list of processes shows it no longer than it must */
        memset((char *)(uintptr_t)given, '*', strlen(given));
    return EXIT_OK;
}

/* The library comes back by itself; whoever watches should know, once, why nothing moves. */
static void on_state(void *arg, bool connected)
{
    struct cli *cli = arg;
    if (connected == cli->connected)
        return;
    cli->connected = connected;
    if (!connected && !atomic_load(&cli->leaving)) {
        cli_note(cli, "connection lost, trying again");
        atomic_fetch_add(&cli->losses, 1);
        wait_wake();
    }
    if (connected && cli->was_connected) {
        cli_note(cli, "connected again");
        atomic_fetch_add(&cli->returns, 1);
        wait_wake();
    }
    cli->was_connected = true;
}

/* A command that has a --timeout of its own means the length of its stay by it. */
static int read_timeout(struct cli *cli, const struct args *args)
{
    static const char name[] = "timeout";
    uint64_t ms = args_number(args, name, 0);
    if (args_find_opt(args->command->options, name, sizeof name - 1))
        return EXIT_OK;
    if (ms > UINT32_MAX)
        return cli_fail(cli, EXIT_USAGE, "--timeout is at most 49 days");
    cli->timeout_ms = (uint32_t)ms;
    return EXIT_OK;
}

uint32_t cli_timeout_ms(const struct cli *cli, uint32_t otherwise)
{
    return cli->timeout_ms ? cli->timeout_ms : otherwise;
}

/* The library would tell too, but not which of the user's mistakes it was. */
static int check_tls(const struct cli *cli, const struct args *args, const char *url)
{
    const char *ca = args_text(args, "tls-ca", NULL);
    if (!ca && strncmp(url, "tls+", 4) == 0)
        return cli_fail(cli, EXIT_USAGE, "%s needs --tls-ca: the certificates to trust", url);
    if (ca && access(ca, R_OK) != 0)
        return cli_fail(cli, EXIT_NO_INPUT, "cannot read %s: %s", ca, strerror(errno));
    return EXIT_OK;
}

static int find_broker(struct cli *cli, const struct args *args, const char **url)
{
    *url = args_text(args, "url", from_environment("FAREBOX_URL"));
    if (!*url)
        return cli_fail(cli, EXIT_USAGE, "no broker: set FAREBOX_URL, or give --url");
    int code = read_timeout(cli, args);
    if (code == EXIT_OK)
        code = check_tls(cli, args, *url);
    return code ? code : cli_read_token(cli, args);
}

static bool knows_scheme(const char *url)
{
    static const char *const schemes[] = {"ipc://", "tcp://", "tls+tcp://"};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (strncmp(url, schemes[i], strlen(schemes[i])) == 0)
            return true;
    return false;
}

/* The library's words name the URL; only a refusal is an outcome with a text of its own. */
static int fail_to_connect(const struct cli *cli, int error, const char *url)
{
    if (error == FBX_EREFUSED || !*fbx_last_error())
        return cli_fail_error(cli, error, "connect");
    if (error == FBX_EINVAL && !knows_scheme(url))
        return cli_fail(cli, EXIT_USAGE,
                        "%s is no ipc:///path, tcp://host:port or tls+tcp://host:port", url);
    return cli_fail(cli, error == FBX_EINVAL ? EXIT_USAGE : EXIT_NOBODY, "%s", fbx_last_error());
}

int cli_connect(struct cli *cli, const struct args *args)
{
    const char *url;
    int code = find_broker(cli, args, &url);
    if (code)
        return code;
    const fbx_options options = {.url = url,
                                 .token = cli->token,
                                 .name = "farebox",
                                 .connect_timeout_ms = cli->timeout_ms,
                                 .default_timeout_ms = cli_timeout_ms(cli, CLI_TIMEOUT_MS),
                                 .tls_ca_file = args_text(args, "tls-ca", NULL),
                                 .tls_server_name = args_text(args, "tls-server-name", NULL),
                                 .on_state = on_state,
                                 .on_state_arg = cli};
    int error = fbx_connect(&cli->bus, &options);
    return error ? fail_to_connect(cli, error, url) : EXIT_OK;
}

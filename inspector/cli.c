#include "cli.h"

#include "base/mem.h"
#include "human.h"
#include "wait.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
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

/* -EFBIG past `max`. */
static int read_all(int fd, size_t max, struct buf *out)
{
    for (;;) {
        ssize_t got = read(fd, buf_reserve(out, 4096), 4096);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -errno : 0;
        out->len += (size_t)got;
        if (out->len > max)
            return -EFBIG;
    }
}

int cli_read_file(const struct cli *cli, const char *path, size_t max, struct buf *out)
{
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    int rc = fd < 0 ? -errno : read_all(fd, max, out);
    if (!standard && fd >= 0)
        close(fd);
    if (rc)
        return cli_fail(cli, EXIT_NO_INPUT, "cannot read %s: %s",
                        standard ? "standard input" : path, strerror(-rc));
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

int cli_read_token_from(struct cli *cli, const char *path)
{
    struct buf text = {0};
    int code = cli_read_file(cli, path, TOKEN_FILE_MAX, &text);
    while (text.len && isspace(text.data[text.len - 1]))
        text.len--;
    buf_append(&text, "", 1);
    if (code == EXIT_OK)
        cli->token = mem_strdup((const char *)text.data);
    buf_finish(&text);
    return code;
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
    if (!connected && !atomic_load(&cli->leaving))
        cli_note(cli, "connection lost, trying again");
    if (connected && cli->was_connected) {
        cli_note(cli, "connected again");
        atomic_fetch_add(&cli->returns, 1);
        wait_wake();
    }
    cli->was_connected = true;
}

int cli_connect(struct cli *cli, const struct args *args)
{
    const char *url = args_text(args, "url", from_environment("FAREBOX_URL"));
    if (!url)
        return cli_fail(cli, EXIT_USAGE, "no broker: set FAREBOX_URL, or give --url");
    int code = cli_read_token(cli, args);
    if (code)
        return code;
    fbx_options options = {.url = url,
                           .token = cli->token,
                           .name = "farebox",
                           .tls_ca_file = args_text(args, "tls-ca", NULL),
                           .on_state = on_state,
                           .on_state_arg = cli};
    int error = fbx_connect(&cli->bus, &options);
    if (error == 0)
        return EXIT_OK;
    if (error == FBX_EINVAL)
        return cli_fail(cli, EXIT_USAGE, "%s", fbx_last_error());
    char doing[160];
    snprintf(doing, sizeof doing, "connect to %s", url);
    return cli_fail_error(cli, error, doing);
}

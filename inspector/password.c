#include "password.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define CTRL_C '\003'

/* ---- a terminal ---- */

/* Ctrl-C ends the line instead of the process, which would leave the terminal silent. */
static struct termios silent(const struct termios *usual)
{
    struct termios changed = *usual;
    changed.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    changed.c_cc[VEOL] = CTRL_C;
    return changed;
}

/* Returns the length, without the newline; -1: nothing came. */
static ssize_t read_line(int fd, char *out, size_t size)
{
    ssize_t n;
    do
        n = read(fd, out, size - 1);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return -1;
    if (out[n - 1] == '\n')
        n--;
    out[n] = '\0';
    return n;
}

static int ask(const struct cli *cli, int fd, const char *prompt, char out[PASSWORD_INPUT_SIZE])
{
    struct termios usual;
    if (tcgetattr(fd, &usual) != 0)
        return cli_fail(cli, EXIT_NO_INPUT, "cannot ask on this terminal");
    const struct termios changed = silent(&usual);
    (void)tcsetattr(fd, TCSAFLUSH, &changed); /* first, as it forgets what was typed before */
    (void)!write(fd, prompt, strlen(prompt));
    ssize_t len = read_line(fd, out, PASSWORD_INPUT_SIZE);
    (void)tcsetattr(fd, TCSAFLUSH, &usual);
    (void)!write(fd, "\n", 1);
    if (len > 0 && memchr(out, CTRL_C, (size_t)len))
        return EXIT_INTERRUPTED;
    return len > 0 ? EXIT_OK : cli_fail(cli, EXIT_BAD_INPUT, "no password was given");
}

static int ask_twice(const struct cli *cli, int fd, char out[PASSWORD_INPUT_SIZE])
{
    char again[PASSWORD_INPUT_SIZE] = "";
    int code = ask(cli, fd, "the same again: ", again);
    if (code == EXIT_OK && strcmp(again, out) != 0)
        code = cli_fail(cli, EXIT_BAD_INPUT, "the two are not the same");
    sodium_memzero(again, sizeof again);
    return code;
}

/* ---- a pipe or a file ---- */

static int read_input(const struct cli *cli, char out[PASSWORD_INPUT_SIZE])
{
    struct buf text = {0};
    int code = cli_read_file(cli, "-", PASSWORD_INPUT_SIZE, &text);
    if (text.len > 0 && text.data[text.len - 1] == '\n')
        text.len--;
    bool fits = text.len > 0 && text.len < PASSWORD_INPUT_SIZE && !memchr(text.data, 0, text.len);
    if (code == EXIT_OK && !fits)
        code = cli_fail(cli, EXIT_BAD_INPUT, "standard input holds no password");
    if (code == EXIT_OK) {
        memcpy(out, text.data, text.len);
        out[text.len] = '\0';
    }
    if (text.data)
        sodium_memzero(text.data, text.cap);
    buf_finish(&text);
    return code;
}

int password_read(const struct cli *cli, const char *prompt, bool twice,
                  char out[PASSWORD_INPUT_SIZE])
{
    if (!isatty(STDIN_FILENO))
        return read_input(cli, out);
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return cli_fail(cli, EXIT_NO_INPUT, "there is no terminal to ask on");
    int code = ask(cli, fd, prompt, out);
    if (code == EXIT_OK && twice)
        code = ask_twice(cli, fd, out);
    close(fd);
    return code;
}

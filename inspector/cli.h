/* cli.h - what every command shares: how to print, where the broker is, and how to end with an
 * error. One per process, used by the main thread. */
#ifndef INSPECTOR_CLI_H
#define INSPECTOR_CLI_H

#include "args.h"
#include "base/buf.h"
#include "exits.h"
#include "farebox.h"

#include <stdatomic.h>

#define CLI_TIMEOUT_MS 10000u /* the broker answers at once or not at all */

struct cli {
    bool json;   /* -o json */
    bool colour; /* tables on a terminal */
    char *token; /* once read */
    fbx_bus *bus;
    uint32_t timeout_ms;           /* of --timeout; 0: not given */
    bool was_connected, connected; /* library's thread only */
    atomic_uint losses, returns;   /* of the connection; each wakes the main thread */
    atomic_bool leaving;           /* the session ends because we end it */
};

void cli_init(struct cli *cli, const struct args *args);
/* Says goodbye to the broker; harmless a second time. */
void cli_finish(struct cli *cli);

/* All that follows returns EXIT_OK, or the exit status after the complaint was printed. */

/* The token of --token, --token-file or the environment, into cli->token. */
int cli_read_token(struct cli *cli, const struct args *args);
/* From a file, "-" being standard input, into `*token`, to be freed; white space at the end is
 * dropped. */
int cli_read_token_file(const struct cli *cli, const char *path, char **token);
/* The same into cli->token. */
int cli_read_token_from(struct cli *cli, const char *path);
/* Connects to the broker that --url or the environment names, under that token. */
int cli_connect(struct cli *cli, const struct args *args);
/* What --timeout says, or else `otherwise`. */
uint32_t cli_timeout_ms(const struct cli *cli, uint32_t otherwise);
/* Appends a whole file, "-" being standard input; at most `max` bytes. */
int cli_read_file(const struct cli *cli, const char *path, size_t max, struct buf *out);
/* Writes everything at once, so that a line is never seen in halves. A reader who has left is no
 * error: he has seen what he wanted. */
int cli_write(const struct cli *cli, struct slice text);

/* The complaints: one line on standard error, as JSON under -o json. */
int cli_fail(const struct cli *cli, enum exit_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int cli_fail_reply(const struct cli *cli, const fbx_reply *reply);
/* An FBX_E… code; `doing` is what could not be done, e.g. "subscribe". */
int cli_fail_error(const struct cli *cli, int error, const char *doing);
/* Something worth saying on standard error that is no error; plain words, nothing to escape. */
void cli_note(const struct cli *cli, const char *text);

#endif

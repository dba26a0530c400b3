#include "base/mem.h"
#include "cli.h"
#include "human.h"
#include "token_text.h"
#include "wire/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* What a complaint is made of; text is borrowed. */
struct complaint {
    enum exit_code code;
    const char *outcome; /* or NULL: not the outcome of a call */
    const char *message;
    const fbx_reply *reply; /* or NULL */
};

/* One write, so that two complaints never mix. */
static void say(struct buf *line)
{
    buf_append(line, "\n", 1);
    if (write(STDERR_FILENO, line->data, line->len) < 0)
        return; /* there is nobody left to tell */
}

/* What would have been needed, or where to get it: on a line of its own. */
static void add_detail(struct buf *lines, const fbx_reply *reply, size_t i)
{
    const char *value = "";
    const char *name = fbx_reply_detail_at(reply, i, &value);
    buf_printf(lines, "\n  ");
    human_text(lines, slice_of(name));
    buf_printf(lines, ": ");
    human_text(lines, slice_of(value));
}

static void say_text(const struct complaint *complaint)
{
    const fbx_reply *reply = complaint->reply;
    struct buf line = {0};
    buf_printf(&line, "farebox: ");
    if (complaint->outcome)
        buf_printf(&line, "%s: ", complaint->outcome);
    human_text(&line, slice_of(complaint->message));
    if (reply && fbx_reply_retry_after_ms(reply)) {
        buf_printf(&line, "; try again in ");
        human_span(&line, fbx_reply_retry_after_ms(reply));
    }
    if (reply && *fbx_reply_request_id(reply)) {
        buf_printf(&line, " (request ");
        human_text(&line, slice_of(fbx_reply_request_id(reply)));
        buf_printf(&line, ")");
    }
    for (size_t i = 0; reply && i < fbx_reply_details(reply); i++)
        add_detail(&line, reply, i);
    say(&line);
    buf_finish(&line);
}

static void write_reply(fbx_writer *w, const fbx_reply *reply)
{
    size_t n_details = fbx_reply_details(reply);
    fbx_write_text(w, "request_id");
    fbx_write_text(w, fbx_reply_request_id(reply));
    fbx_write_text(w, "retryable");
    fbx_write_bool(w, fbx_reply_retryable(reply));
    fbx_write_text(w, "retry_after_ms");
    fbx_write_uint(w, fbx_reply_retry_after_ms(reply));
    fbx_write_text(w, "details");
    fbx_write_map(w, (uint32_t)n_details);
    for (size_t i = 0; i < n_details; i++) {
        const char *value = "";
        fbx_write_text(w, fbx_reply_detail_at(reply, i, &value));
        fbx_write_text(w, value);
    }
}

/* False when the message is no text that JSON can carry. */
static bool say_json(const struct complaint *complaint)
{
    fbx_writer w = {0};
    struct buf line = {0};
    fbx_write_map(&w, complaint->reply ? 7 : 3);
    fbx_write_text(&w, "error");
    fbx_write_text(&w, complaint->outcome ? complaint->outcome : exits_text(complaint->code));
    fbx_write_text(&w, "message");
    fbx_write_text(&w, complaint->message);
    fbx_write_text(&w, "exit_status");
    fbx_write_int(&w, complaint->code);
    if (complaint->reply)
        write_reply(&w, complaint->reply);
    fbx_bytes bytes = fbx_written(&w);
    bool fine = json_from_msgpack(&line, slice_make(bytes.data, bytes.len), NULL) == 0;
    if (fine)
        say(&line);
    buf_finish(&line);
    fbx_writer_free(&w);
    return fine;
}

/* The broker says of a bad token only that it is one; of our own we can say more. */
static void say_if_expired(const struct cli *cli)
{
    int64_t expires = cli->token ? token_text_expires(cli->token) : 0;
    char when[sizeof "2026-01-01 00:00:00"];
    struct tm utc;
    time_t at = (time_t)expires;
    if (expires <= 0 || at > time(NULL) || !gmtime_r(&at, &utc) ||
        strftime(when, sizeof when, "%F %T", &utc) == 0)
        return;
    char note[64];
    snprintf(note, sizeof note, "the token expired at %s UTC", when);
    cli_note(cli, note);
}

static int complain(const struct cli *cli, const struct complaint *complaint)
{
    if (!cli->json || !say_json(complaint))
        say_text(complaint);
    if (complaint->outcome == status_text(STATUS_UNAUTHENTICATED))
        say_if_expired(cli);
    return (int)complaint->code;
}

int cli_fail(const struct cli *cli, enum exit_code code, const char *format, ...)
{
    char message[512];
    va_list list;
    va_start(list, format);
    vsnprintf(message, sizeof message, format, list);
    va_end(list);
    return complain(cli, &(struct complaint){code, NULL, message, NULL});
}

int cli_fail_reply(const struct cli *cli, const fbx_reply *reply)
{
    int status = fbx_reply_status(reply);
    const char *message = fbx_reply_message(reply);
    if (!*message)
        message = status_meaning((enum status)status);
    enum exit_code code = exits_of_reply(status, fbx_reply_retryable(reply));
    return complain(cli, &(struct complaint){code, fbx_status_text(status), message, reply});
}

/* "permission_denied: needs publish:orders" names its outcome; other refusals are about the token.
 */
static int fail_refused(const struct cli *cli)
{
    const char *text = fbx_last_error();
    size_t len = strcspn(text, ":");
    for (int status = 1; status < STATUS_COUNT; status++) {
        const char *outcome = status_text((enum status)status);
        if (strlen(outcome) == len && memcmp(outcome, text, len) == 0) {
            const char *message = text + len + strspn(text + len, ": ");
            return complain(cli, &(struct complaint){exits_of(status), outcome,
                                                     *message ? message : outcome, NULL});
        }
    }
    return complain(cli, &(struct complaint){EXIT_NOT_ALLOWED, status_text(STATUS_UNAUTHENTICATED),
                                             text, NULL});
}

int cli_fail_error(const struct cli *cli, int error, const char *doing)
{
    enum exit_code code = EXIT_NOBODY;
    if (error == FBX_EREFUSED)
        return fail_refused(cli);
    if (error == FBX_EINVAL)
        code = EXIT_USAGE;
    if (error == FBX_EWOULDBLOCK)
        code = EXIT_TEMPORARY;
    return cli_fail(cli, code, "cannot %s: %s", doing, fbx_error_text(error));
}

void cli_note(const struct cli *cli, const char *text)
{
    struct buf line = {0};
    buf_printf(&line, cli->json ? "{\"note\":\"%s\"}" : "farebox: %s", text);
    say(&line);
    buf_finish(&line);
}

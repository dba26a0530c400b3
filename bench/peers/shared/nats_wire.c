#include "nats_wire.h"

#include "../../measure/fail.h"
#include "peer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FIELDS_MAX 6
#define PUBLISH_ROOM 48 /* verb, separators, two numbers */

static void say_hello(int fd, const char *user, const char *password)
{
    char hello[512];
    int len = snprintf(hello, sizeof hello,
                       "CONNECT {\"verbose\":false,\"pedantic\":false,\"protocol\":1,"
                       "\"headers\":true,\"no_responders\":true,\"lang\":\"c\",\"version\":\"0\","
                       "\"user\":\"%s\",\"pass\":\"%s\"}\r\nPING\r\n",
                       user ? user : "", password ? password : "");
    if (len < 0 || (size_t)len >= sizeof hello || write(fd, hello, (size_t)len) != len)
        fail_with("cannot say hello to NATS");
}

struct stream *nats_dial(int epoll, int port, const char *user, const char *password)
{
    char answer[4096];
    size_t have = 0;
    int fd = peer_connect(port);
    say_hello(fd, user, password);
    do {
        ssize_t got = read(fd, answer + have, sizeof answer - 1 - have);
        if (got <= 0)
            fail_with("NATS refused the connection");
        have += (size_t)got;
        answer[have] = '\0';
        if (strstr(answer, "-ERR"))
            fail_with("NATS: %s", strstr(answer, "-ERR"));
    } while (!strstr(answer, "PONG\r\n"));
    return stream_create(epoll, fd);
}

static size_t value_of(struct nats_text digits)
{
    size_t value = 0;
    for (size_t i = 0; i < digits.len; i++)
        value = value * 10 + (size_t)(digits.data[i] - '0');
    return value;
}

/* The words of a line, up to its end. */
static int split(const char *at, const char *end, struct nats_text words[FIELDS_MAX])
{
    int n = 0;
    while (at < end && n < FIELDS_MAX) {
        const char *space = memchr(at, ' ', (size_t)(end - at));
        const char *stop = space ? space : end;
        words[n++] = (struct nats_text){at, (size_t)(stop - at)};
        at = stop + 1;
    }
    return n;
}

static enum nats_kind control_line(const char *line, size_t len)
{
    if (line[0] == '-')
        fail_with("NATS: %.*s", (int)len, line);
    return memcmp(line, "PING", 4) == 0 ? NATS_PING : NATS_OTHER;
}

/* MSG subject sid [reply] size, or HMSG subject sid [reply] header-size size: then the body. */
enum nats_kind nats_take(struct stream *stream, struct nats_message *message)
{
    const char *line = stream->in + stream->in_at;
    size_t have = stream->in_len - stream->in_at;
    const char *newline = have ? memchr(line, '\n', have) : NULL;
    if (!newline)
        return NATS_MORE;
    size_t head = (size_t)(newline + 1 - line);
    int headers = memcmp(line, "HMSG ", 5) == 0;
    if (!headers && memcmp(line, "MSG ", 4) != 0) {
        stream->in_at += head;
        return control_line(line, head);
    }
    struct nats_text words[FIELDS_MAX];
    int n = split(line + 4 + headers, newline - 1, words);
    if (n < 3 + headers)
        fail_with("NATS: not understood: %.*s", (int)head, line);
    size_t size = value_of(words[n - 1]);
    size_t skip = headers ? value_of(words[n - 2]) : 0;
    if (have < head + size + 2)
        return NATS_MORE;
    stream->in_at += head + size + 2;
    message->reply = n == 4 + headers ? words[2] : (struct nats_text){NULL, 0};
    message->body = (struct nats_text){newline + 1 + skip, size - skip};
    return NATS_MESSAGE;
}

size_t nats_number(char *to, uint64_t value)
{
    char digits[20];
    size_t n = 0;
    do
        digits[n++] = (char)('0' + value % 10);
    while (value /= 10);
    for (size_t i = 0; i < n; i++)
        to[i] = digits[n - 1 - i];
    return n;
}

static char *add(char *to, const char *data, size_t len)
{
    memcpy(to, data, len);
    return to + len;
}

void nats_publish(struct stream *stream, struct nats_text subject, struct nats_text reply,
                  struct nats_text body, const uint64_t *stamp)
{
    char *start = stream_room(stream, subject.len + reply.len + body.len + PUBLISH_ROOM);
    char *at = add(start, "PUB ", 4);
    at = add(at, subject.data, subject.len);
    *at++ = ' ';
    if (reply.len) {
        at = add(at, reply.data, reply.len);
        *at++ = ' ';
    }
    at += nats_number(at, body.len);
    at = add(at, "\r\n", 2);
    at = add(at, body.data, body.len);
    if (stamp)
        memcpy(at - sizeof *stamp, stamp, sizeof *stamp);
    at = add(at, "\r\n", 2);
    stream->out_len += (size_t)(at - start);
}

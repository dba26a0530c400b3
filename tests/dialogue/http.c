#include "http.h"

#include "../testing.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define DRIP_MS 50

static bool dial(struct http *http, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    *http = (struct http){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_true(http->fd >= 0);
    return connect(http->fd, (struct sockaddr *)&address, sizeof address) == 0;
}

struct http http_dial(int port)
{
    struct http http;
    assert_true(dial(&http, port));
    return http;
}

bool http_is_closed(int port)
{
    struct http http;
    bool is_open = dial(&http, port);
    http_hang_up(&http);
    return !is_open;
}

void http_hang_up(struct http *http)
{
    (void)close(http->fd);
    buf_finish(&http->in);
}

void http_say(struct http *http, const char *text)
{
    size_t len = strlen(text);
    assert_int_equal(send(http->fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

void http_drip(struct http *http, char byte)
{
    struct pollfd fd = {.fd = http->fd, .events = POLLRDHUP};
    for (int ms = 0; poll(&fd, 1, DRIP_MS) == 0; ms += DRIP_MS) {
        assert_true(ms < PLACE_PATIENCE_MS);
        (void)send(http->fd, &byte, 1, MSG_NOSIGNAL);
    }
}

void http_ask(struct http *http, const char *request, const char *token, const char *headers,
              const char *body)
{
    struct buf text = {0};
    buf_printf(&text, "%s HTTP/1.1\r\nHost: gateway\r\n%s", request, headers);
    if (token)
        buf_printf(&text, "Authorization: Bearer %s\r\n", token);
    if (body)
        buf_printf(&text, "Content-Length: %zu\r\n", strlen(body));
    buf_printf(&text, "\r\n%s", body ? body : "");
    buf_append(&text, "", 1);
    http_say(http, (const char *)text.data);
    buf_finish(&text);
}

/* False: it has hung up. */
static bool read_more(struct http *http)
{
    struct pollfd fd = {.fd = http->fd, .events = POLLIN};
    assert_int_equal(poll(&fd, 1, PLACE_PATIENCE_MS), 1);
    ssize_t n = recv(http->fd, buf_reserve(&http->in, 4096), 4096, 0);
    http->in.len += n > 0 ? (size_t)n : 0;
    return n > 0;
}

static void take(struct http *http, size_t len)
{
    memmove(http->in.data, http->in.data + len, http->in.len - len);
    http->in.len -= len;
}

static size_t head_len(const struct http *http)
{
    const uint8_t *end = http->in.len ? memmem(http->in.data, http->in.len, "\r\n\r\n", 4) : NULL;
    return end ? (size_t)(end - http->in.data) + 4 : 0;
}

/* Every problem says which request it was, twice. */
static void expect_name(const char *answer)
{
    static const char header[] = "\r\nX-Request-Id: ", member[] = "\"request_id\":\"";
    if (!strstr(answer, "\r\nContent-Type: application/problem+json\r\n"))
        return;
    const char *told = strcasestr(answer, header), *body = strstr(answer, member);
    size_t len = told ? strcspn(told += strlen(header), "\r") : 0;
    if (len == 0 || !body || strncmp(body + strlen(member), told, len) != 0 ||
        body[strlen(member) + len] != '"')
        fail_msg("which request was it? %s", answer);
}

int http_answer(struct http *http, char *out, size_t size)
{
    size_t head;
    while ((head = head_len(http)) == 0)
        assert_true(read_more(http));
    char *text = strndup((const char *)http->in.data, head);
    const char *length = strcasestr(text, "\r\nContent-Length:");
    size_t whole = head + (length ? strtoul(length + 17, NULL, 10) : 0);
    int status = (int)strtol(text + strlen("HTTP/1.1 "), NULL, 10);
    free(text);
    while (http->in.len < whole)
        assert_true(read_more(http));
    assert_true(whole < size);
    memcpy(out, http->in.data, whole);
    out[whole] = '\0';
    take(http, whole);
    expect_name(out);
    return status;
}

int http_once(int port, const char *request, const char *token, const char *body, char *out,
              size_t size)
{
    struct http http = http_dial(port);
    http_ask(&http, request, token, "", body);
    int status = http_answer(&http, out, size);
    http_hang_up(&http);
    return status;
}

bool http_line(struct http *http, const char *start, char *line, size_t size)
{
    for (;;) {
        const uint8_t *end = http->in.len ? memchr(http->in.data, '\n', http->in.len) : NULL;
        if (!end && !read_more(http))
            return false;
        if (!end)
            continue;
        size_t len = (size_t)(end - http->in.data);
        bool fits = len >= strlen(start) && memcmp(http->in.data, start, strlen(start)) == 0;
        if (fits) {
            assert_true(len < size);
            memcpy(line, http->in.data, len);
            line[len] = '\0';
        }
        take(http, len + 1);
        if (fits)
            return true;
    }
}

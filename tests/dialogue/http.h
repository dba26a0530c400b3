/* http.h - a client of the gateway, byte by byte, so that it may say what no library would. A
 * failure of its own ends the test. */
#ifndef DIALOGUE_HTTP_H
#define DIALOGUE_HTTP_H

#include "harness.h"

#include "base/buf.h"

struct http {
    int fd;
    struct buf in; /* read and not yet taken */
};

struct http http_dial(int port);
/* Does nobody take connections there? */
bool http_is_closed(int port);
void http_hang_up(struct http *http);

/* As it is. */
void http_say(struct http *http, const char *text);
/* That byte, again and again with time between them, until the other side hangs up. */
void http_drip(struct http *http, char byte);
/* A request with a body of that text (NULL: none) and further headers ("" or whole lines). */
void http_ask(struct http *http, const char *request, const char *token, const char *headers,
              const char *body);
/* The status of the next response; `out` receives its headers and its body, terminated. A problem
 * that does not say which request it was ends the test. */
int http_answer(struct http *http, char *out, size_t size);
/* The same of a request on a connection of its own. */
int http_once(int port, const char *request, const char *token, const char *body, char *out,
              size_t size);
/* Waits until a line that starts so has come; `line` receives it. False: the other side hung up. */
bool http_line(struct http *http, const char *start, char *line, size_t size);

#endif

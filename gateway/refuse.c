#include "refuse.h"

#include "clients.h"
#include "exchange.h"
#include "problem.h"
#include "strict.h"

#include <microhttpd.h>
#include <stdlib.h>

#define DISCARD_TIMES 4u

size_t refuse_beyond(const struct gateway_settings *settings)
{
    return DISCARD_TIMES * settings->max_body_bytes;
}

void refuse_method(struct exchange *x)
{
    char methods[ROUTE_METHODS_BYTES];
    routes_methods(x->routes, x->path, methods);
    problem_of_http(&x->answer, MHD_HTTP_METHOD_NOT_ALLOWED, "method_not_allowed",
                    "this path takes other methods");
    answer_header(&x->answer, MHD_HTTP_HEADER_ALLOW, methods);
}

void refuse_too_large(struct exchange *x)
{
    problem_of(&x->answer, STATUS_TOO_LARGE, "the body is over the limit");
}

/* What may still come of the request is not read. */
static void end_connection(struct exchange *x)
{
    client_of(x->connection)->unread = true;
    answer_header(&x->answer, MHD_HTTP_HEADER_CONNECTION, "close");
}

static void leave_body(struct exchange *x)
{
    if (x->answer.http == 0)
        refuse_too_large(x);
    end_connection(x);
}

static const char *code_of(unsigned http)
{
    switch (http) {
    case MHD_HTTP_URI_TOO_LONG:
        return "uri_too_long";
    case MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE:
        return "headers_too_large";
    case MHD_HTTP_HTTP_VERSION_NOT_SUPPORTED:
        return "version_not_supported";
    default:
        return "malformed_request";
    }
}

/* Where such a request ends is anybody's guess: the connection goes with it. */
static void refuse_malformed(struct exchange *x, const struct strict_defect *defect)
{
    if (defect->no_line) {
        x->method = "";
        x->path[0] = '\0';
    }
    answer_finish(&x->answer);
    answer_name(&x->answer, exchange_header(x, ANSWER_REQUEST_ID));
    problem_of_http(&x->answer, defect->http, code_of(defect->http), defect->text);
    end_connection(x);
}

bool refuse_defective(struct exchange *x)
{
    struct strict_defect defect;
    if (!strict_defect(client_of(x->connection)->fd, &defect))
        return false;
    if (defect.http == MHD_HTTP_CONTENT_TOO_LARGE)
        leave_body(x);
    else
        refuse_malformed(x, &defect);
    return true;
}

void refuse_hopeless(struct exchange *x)
{
    const char *length = exchange_header(x, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (length && strtoull(length, NULL, 10) > refuse_beyond(&x->gateway->settings))
        leave_body(x);
}

#include "metrics.h"

#include "base/clock.h"
#include "call.h"
#include "exchange.h"
#include "problem.h"
#include "reply.h"

#include <stdio.h>

#define FILTER_NAME_BYTES 32u
#define PROMETHEUS "text/plain; version=0.0.4; charset=utf-8"

/* What of bus.stats is a number of its own. */
static const struct number {
    const char *path[2]; /* the second: inside the first */
    const char *name, *type, *help;
    bool ms; /* becomes seconds */
} numbers[] = {
    {{"uptime_ms"}, "uptime_seconds", "gauge", "Since the broker started.", true},
    {{"sessions"}, "sessions", "gauge", "Sessions.", false},
    {{"connections"}, "connections", "gauge", "Connections.", false},
    {{"calls"}, "calls_total", "counter", "Calls.", false},
    {{"calls_pending"}, "calls_pending", "gauge", "Calls under way.", false},
    {{"one_shot"}, "one_shot_calls_total", "counter", "Calls without a session.", false},
    {{"published"}, "published_events_total", "counter", "Events published.", false},
    {{"delivered"}, "delivered_events_total", "counter", "Events delivered.", false},
    {{"missed"}, "missed_events_total", "counter", "Events a subscriber was too slow for.", false},
    {{"frames_in"}, "received_frames_total", "counter", "Frames received.", false},
    {{"frames_out"}, "sent_frames_total", "counter", "Frames sent.", false},
    {{"bytes_in"}, "received_bytes_total", "counter", "Bytes received.", false},
    {{"bytes_out"}, "sent_bytes_total", "counter", "Bytes sent.", false},
    {{"bad_frames"}, "bad_frames_total", "counter", "Frames that nobody could read.", false},
    {{"identities"}, "identities", "gauge", "Tokens that are known by now.", false},
    {{"memory_bytes"}, "memory_bytes", "gauge", "Resident memory.", false},
    {{"store", "commits"}, "store_commits_total", "counter", "Transactions of the store.", false},
    {{"store", "queued"}, "store_queued", "gauge", "Writes the store has not made.", false},
    {{"store", "quarantined"}, "store_quarantined", "gauge", "Records nobody could read.", false},
    {{"journal", "waiting"}, "journal_waiting", "gauge", "Blocks not yet in the books.", false},
    {{"journal", "held"}, "replies_held", "gauge", "Replies that wait for the disk.", false},
};

static void put_number(struct buf *out, const json_t *stats, const struct number *number)
{
    const json_t *value = json_object_get(stats, number->path[0]);
    if (number->path[1])
        value = json_object_get(value, number->path[1]);
    if (!json_is_integer(value))
        return;
    buf_printf(out, "# HELP farebox_%s %s\n# TYPE farebox_%s %s\n", number->name, number->help,
               number->name, number->type);
    if (number->ms)
        buf_printf(out, "farebox_%s %.3f\n", number->name,
                   (double)json_integer_value(value) / 1000);
    else
        buf_printf(out, "farebox_%s %" JSON_INTEGER_FORMAT "\n", number->name,
                   json_integer_value(value));
}

/* One of a counter's values. Labels are text of the broker's: quotes, backslashes and line feeds
 * are escaped. */
static void put_labelled(struct buf *out, const char *name, const char *label, const char *text,
                         const json_t *value)
{
    buf_printf(out, "farebox_%s_total{%s=\"", name, label);
    for (; text && *text; text++)
        if (*text == '\n')
            buf_append(out, "\\n", 2);
        else
            buf_printf(out, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    buf_printf(out, "\"} %" JSON_INTEGER_FORMAT "\n", json_integer_value(value));
}

static void put_errors(struct buf *out, json_t *errors)
{
    const char *code;
    json_t *count;
    buf_printf(out, "# HELP farebox_errors_total Calls that ended otherwise than ok.\n"
                    "# TYPE farebox_errors_total counter\n");
    json_object_foreach(errors, code, count)
    {
        put_labelled(out, "errors", "code", code, count);
    }
}

static void put_filters(struct buf *out, const json_t *filters, const char *verdict)
{
    size_t i;
    json_t *filter;
    char name[FILTER_NAME_BYTES];
    (void)snprintf(name, sizeof name, "filter_%s", verdict);
    buf_printf(out,
               "# HELP farebox_filter_%s_total Calls, by filter of the chain.\n"
               "# TYPE farebox_filter_%s_total counter\n",
               verdict, verdict);
    json_array_foreach(filters, i, filter)
    {
        put_labelled(out, name, "filter", json_string_value(json_object_get(filter, "name")),
                     json_object_get(filter, verdict));
    }
}

static void write_stats(struct buf *out, const json_t *stats)
{
    const json_t *filters = json_object_get(stats, "filters");
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        put_number(out, stats, &numbers[i]);
    put_errors(out, json_object_get(stats, "errors"));
    put_filters(out, filters, "passed");
    put_filters(out, filters, "refused");
    put_filters(out, filters, "waited");
}

void metrics_write(struct buf *out, const struct traffic *traffic, const json_t *stats)
{
    buf_printf(out,
               "# HELP farebox_gateway_broker_up Whether the broker has answered.\n"
               "# TYPE farebox_gateway_broker_up gauge\n"
               "farebox_gateway_broker_up %d\n",
               stats ? 1 : 0);
    traffic_write(out, traffic);
    if (stats)
        write_stats(out, stats);
}

static void answer(struct exchange *x, const json_t *stats)
{
    x->answer.http = (unsigned)status_http(STATUS_OK);
    x->answer.content_type = PROMETHEUS;
    metrics_write(&x->answer.body, &x->gateway->traffic, stats);
}

static void on_stats(struct exchange *x, const fbx_reply *reply)
{
    json_t *stats = reply_json(reply);
    if (stats) {
        shown_add(&x->gateway->shown, &x->asker, clock_mono_ns());
        answer(x, stats);
    } else {
        problem_of(&x->answer, STATUS_INTERNAL, "the broker's counters cannot be read");
    }
    json_decref(stats);
}

void metrics_handle(struct exchange *x)
{
    const char *token = exchange_token(x);
    if (token)
        x->asker = shown_mark_of(token);
    if (token && !atomic_load(&x->gateway->connected) &&
        shown_has(&x->gateway->shown, &x->asker, clock_mono_ns()))
        answer(x, NULL);
    else
        call_begin(x, &(struct call){.service = "bus.stats",
                                     .method = "show",
                                     .payload = {(const uint8_t *)"\x80", 1}, /* {} */
                                     .idempotent = true,
                                     .on_ok = on_stats});
}

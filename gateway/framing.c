#include "framing.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- Accept ---- */

#define BEST 1000u

static unsigned thousandths(double quality)
{
    return quality >= 0 && quality <= 1 ? (unsigned)(BEST * quality) : BEST;
}

/* ";q=0.5" among the parameters, in thousandths. */
static unsigned quality_of(const char *params, const char *end)
{
    for (const char *at = params; at < end; at++) {
        size_t blanks = *at == ';' ? strspn(at + 1, " \t") : 0;
        if (*at == ';' && strncasecmp(at + 1 + blanks, "q=", 2) == 0)
            return thousandths(strtod(at + 1 + blanks + 2, NULL));
    }
    return BEST;
}

/* How much `type` is liked; 0: it is not named, or not wanted. */
static unsigned liking(const char *accept, const char *type)
{
    size_t len = strlen(type);
    unsigned best = 0;
    for (const char *at = accept; *at;) {
        at += strspn(at, ", \t");
        size_t item = strcspn(at, ",");
        bool named = strncasecmp(at, type, len) == 0 && strcspn(at, "; \t,") == len;
        unsigned quality = named ? quality_of(at, at + item) : 0;
        best = quality > best ? quality : best;
        at += item;
    }
    return best;
}

enum framing framing_accepted(const char *accept)
{
    if (!accept)
        return FRAMING_NONE;
    unsigned events = liking(accept, "text/event-stream");
    unsigned lines = liking(accept, "application/x-ndjson");
    unsigned list = liking(accept, "application/jsonl");
    lines = list > lines ? list : lines;
    unsigned best = events >= lines ? events : lines;
    if (best == 0 || best < liking(accept, "application/json"))
        return FRAMING_NONE;
    return events == best ? FRAMING_EVENTS : FRAMING_LINES;
}

/* ---- parts ---- */

const char *framing_content_type(enum framing framing)
{
    return framing == FRAMING_EVENTS ? "text/event-stream" : "application/x-ndjson";
}

static void put_line(struct buf *out, const char *kind, struct slice json)
{
    buf_printf(out, "{\"%s\":", kind);
    buf_append(out, json.data, json.len);
    buf_append(out, "}\n", 2);
}

static void put_event(struct buf *out, const char *kind, const char *id, struct slice json)
{
    if (id)
        buf_printf(out, "id: %s\n", id);
    if (kind)
        buf_printf(out, "event: %s\n", kind);
    buf_append(out, "data: ", 6);
    buf_append(out, json.data, json.len);
    buf_append(out, "\n\n", 2);
}

void framing_put(struct buf *out, enum framing framing, const char *kind, const char *id,
                 struct slice json)
{
    if (framing == FRAMING_EVENTS)
        put_event(out, kind, id, json);
    else
        put_line(out, kind, json);
}

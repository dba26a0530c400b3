#include "framing.h"

#include <string.h>

enum framing framing_accepted(const char *accept)
{
    if (!accept)
        return FRAMING_NONE;
    if (strstr(accept, "text/event-stream"))
        return FRAMING_EVENTS;
    if (strstr(accept, "application/x-ndjson") || strstr(accept, "application/jsonl"))
        return FRAMING_LINES;
    return FRAMING_NONE;
}

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

#include "pretty.h"

#define LINE 88u /* columns a container may take to stay on one line */

struct layout {
    struct buf *out;
    struct slice json;
    size_t at;
    unsigned depth;
};

static bool opens(uint8_t c)
{
    return c == '{' || c == '[';
}

static bool closes(uint8_t c)
{
    return c == '}' || c == ']';
}

/* Past the string that starts at `at`. */
static size_t string_end(struct slice json, size_t at)
{
    for (at++; at < json.len && json.data[at] != '"'; at++)
        at += json.data[at] == '\\';
    return at + 1 < json.len ? at + 1 : json.len;
}

/* Does the container at `at` end within `room` bytes? Looks no further, so the whole layout stays
 * linear in the text. */
static bool fits(struct slice json, size_t at, size_t room)
{
    size_t end = at + room < json.len ? at + room : json.len;
    unsigned depth = 0;
    while (at < end) {
        uint8_t c = json.data[at];
        if (opens(c))
            depth++;
        if (closes(c) && --depth == 0)
            return true;
        at = c == '"' ? string_end(json, at) : at + 1;
    }
    return false;
}

static void put(struct layout *layout, const char *text)
{
    buf_append(layout->out, text, strlen(text));
}

static void new_line(struct layout *layout)
{
    buf_printf(layout->out, "\n%*s", (int)(2 * layout->depth), "");
}

static void copy_string(struct layout *layout)
{
    size_t end = string_end(layout->json, layout->at);
    for (; layout->at < end; layout->at++) {
        const uint8_t *c = &layout->json.data[layout->at];
        if (*c == 0x7f) {
            put(layout, "\\u007f");
        } else if (*c == 0xc2 && layout->at + 1 < end && c[1] >= 0x80 && c[1] < 0xa0) {
            buf_printf(layout->out, "\\u%04x", c[1]);
            layout->at++;
        } else {
            buf_append(layout->out, c, 1);
        }
    }
}

/* One token; `flat` keeps what separates on the same line. */
static void step(struct layout *layout, bool flat)
{
    uint8_t c = layout->json.data[layout->at];
    if (c == '"') {
        copy_string(layout);
        return;
    }
    layout->at++;
    buf_append(layout->out, &c, 1);
    if (c == ':')
        put(layout, " ");
    else if (c == ',' && flat)
        put(layout, " ");
    else if (c == ',')
        new_line(layout);
}

static void flat_container(struct layout *layout)
{
    unsigned depth = 0;
    do {
        uint8_t c = layout->json.data[layout->at];
        depth += opens(c);
        depth -= closes(c);
        step(layout, true);
    } while (depth > 0 && layout->at < layout->json.len);
}

void pretty_json(struct buf *out, struct slice json)
{
    struct layout layout = {.out = out, .json = json};
    while (layout.at < json.len) {
        uint8_t c = json.data[layout.at];
        size_t room = 2 * layout.depth < LINE ? LINE - 2 * layout.depth : 0;
        if (opens(c) && fits(json, layout.at, room)) {
            flat_container(&layout);
        } else if (opens(c)) {
            step(&layout, false);
            layout.depth++;
            new_line(&layout);
        } else if (closes(c)) {
            layout.depth -= layout.depth > 0;
            new_line(&layout);
            step(&layout, false);
        } else {
            step(&layout, false);
        }
    }
}

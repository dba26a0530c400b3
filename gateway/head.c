#include "head.h"

enum { LINE_START, NAME, VALUE, RETURN, EMPTY_RETURN };

/* tchar of RFC 9110, 5.6.2. */
static bool is_token(uint8_t c)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
        return true;
    for (const char *at = others; *at; at++)
        if (c == (uint8_t)*at)
            return true;
    return false;
}

static bool is_text(uint8_t c)
{
    return c == '\t' || (c >= ' ' && c != 0x7f);
}

static uint8_t refuse(struct head *self, const char *defect)
{
    self->defect = defect;
    return self->state;
}

/* An empty line before the request's line is not counted (RFC 9112, 2.2). */
static uint8_t start_line(struct head *self, uint8_t c)
{
    if (c == '\r')
        return EMPTY_RETURN;
    if (!self->in_fields)
        return is_token(c) ? VALUE : refuse(self, "the request's line has no method");
    if (c == ' ' || c == '\t')
        return refuse(self, "a header is folded");
    return is_token(c) ? NAME : refuse(self, "a header's name is not one");
}

static uint8_t end_line(struct head *self, uint8_t c, bool empty)
{
    if (c != '\n')
        return refuse(self, "a carriage return is alone");
    self->ended = empty && self->in_fields;
    self->in_fields |= !empty;
    return LINE_START;
}

static uint8_t step(struct head *self, uint8_t c)
{
    if (c == '\n' && self->state != RETURN && self->state != EMPTY_RETURN)
        return refuse(self, "a line feed is alone");
    switch (self->state) {
    case LINE_START:
        return start_line(self, c);
    case NAME:
        if (c == ':')
            return VALUE;
        return is_token(c) ? NAME : refuse(self, "a header's name is not one");
    case VALUE:
        if (c == '\r')
            return RETURN;
        return is_text(c) ? VALUE : refuse(self, "a header holds a control character");
    default:
        return end_line(self, c, self->state == EMPTY_RETURN);
    }
}

void head_feed(struct head *self, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len && !self->ended && !self->defect; i++)
        self->state = step(self, bytes[i]);
}

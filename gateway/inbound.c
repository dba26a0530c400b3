#include "inbound.h"

#include "field.h"

#include <string.h>

enum {
    START,  /* of a head: nothing of it is there */
    METHOD, /* the request's line: what is asked */
    TARGET, /* of whom */
    VERSION,
    FIELD, /* at the start of a header, or of the empty line */
    NAME,
    VALUE,
    LINE_FEED, /* after the carriage return of a line */
    EMPTY_LINE_FEED,
    SKIPPED_LINE_FEED, /* of an empty line before the request (2.2) */
    BODY,
    SIZE, /* of a chunk */
    EXTENSION,
    SIZE_LINE_FEED,
    CHUNK,
    CHUNK_RETURN,
    CHUNK_LINE_FEED,
};

/* Statuses. */
#define MALFORMED 400u
#define CONTENT_TOO_LARGE 413u
#define URI_TOO_LONG 414u
#define HEADERS_TOO_LARGE 431u
#define NO_SUCH_VERSION 505u

static uint8_t refuse_as(struct inbound *self, unsigned http, const char *defect)
{
    self->defect = defect;
    self->http = http;
    self->defective = self->requests;
    return self->state;
}

static uint8_t refuse(struct inbound *self, const char *defect)
{
    return refuse_as(self, MALFORMED, defect);
}

/* tchar (RFC 9110, 5.6.2): letters, digits and !#$%&'*+-.^_`|~, a bit each. */
static bool is_token(uint8_t c)
{
    static const uint64_t tokens[256 / 64] = {0x03ff6cfa00000000, 0x57ffffffc7fffffe};
    return tokens[c / 64] >> (c % 64) & 1;
}

static bool is_text(uint8_t c)
{
    return c == '\t' || (c >= ' ' && c != 0x7f);
}

/* What a request's line is made of, without its blanks. */
static bool is_visible(uint8_t c)
{
    return c > ' ' && c != 0x7f;
}

static char lower(uint8_t c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* ---- the request's line ---- */

static const char not_a_line[] = "the request's line is not a method, a target and a version";
static const char holds_control[] = "the request's line holds a control character";

/* A request begins, or what should be one. */
static void begin_head(struct inbound *self)
{
    *self = (struct inbound){
        .requests = self->requests + 1, .most = self->most, .largest = self->largest};
}

static uint8_t begin_line(struct inbound *self, uint8_t c)
{
    bool is_second = self->has_skipped && c == '\r';
    if (c == '\r' && !is_second)
        return SKIPPED_LINE_FEED;
    begin_head(self);
    if (is_second)
        return refuse(self, "more than one empty line is before the request");
    if (c == '\n')
        return refuse(self, "a line feed is alone");
    return is_token(c) ? METHOD : refuse(self, "the request's line has no method");
}

/* One empty line before a request is none of its own; with more of them somebody could go on for
 * ever without having begun. */
static uint8_t end_skipped(struct inbound *self, uint8_t c)
{
    self->has_skipped = true;
    if (c == '\n')
        return START;
    begin_head(self);
    return refuse(self, "a carriage return is alone");
}

static uint8_t go_on_method(struct inbound *self, uint8_t c)
{
    if (c == ' ')
        return TARGET;
    return is_token(c) ? METHOD : refuse(self, not_a_line);
}

static uint8_t go_on_target(struct inbound *self, uint8_t c)
{
    if (c == ' ' && self->value_len > 0) {
        self->value_len = 0;
        return VERSION;
    }
    if (c == ' ' || c == '\r')
        return refuse(self, not_a_line);
    if (!is_visible(c))
        return refuse(self, holds_control);
    if (c == '?' || c == '&')
        self->extra += INBOUND_ITEM_BYTES;
    self->value_len = 1; /* there is a target */
    return TARGET;
}

static uint8_t end_version(struct inbound *self)
{
    const char *v = self->value;
    if (self->value_len != sizeof "HTTP/1.1" - 1 || memcmp(v, "HTTP/", 5) != 0 || v[5] < '0' ||
        v[5] > '9' || v[6] != '.' || v[7] < '0' || v[7] > '9')
        return refuse(self, not_a_line);
    if (v[5] != '1')
        return refuse_as(self, NO_SUCH_VERSION, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    self->is_old = v[7] == '0';
    return LINE_FEED;
}

static uint8_t go_on_version(struct inbound *self, uint8_t c)
{
    if (c == '\r')
        return end_version(self);
    if (c != ' ' && !is_visible(c))
        return refuse(self, holds_control);
    if (self->value_len == INBOUND_VALUE_BYTES)
        return refuse(self, not_a_line);
    self->value[self->value_len++] = (char)c;
    return VERSION;
}

/* ---- headers ---- */

static void keep_name(struct inbound *self, uint8_t c)
{
    if (self->name_len < INBOUND_NAME_BYTES)
        self->name[self->name_len++] = lower(c);
}

static uint8_t begin_name(struct inbound *self, uint8_t c)
{
    if (c == ' ' || c == '\t')
        return refuse(self, "a header is folded");
    if (!is_token(c))
        return refuse(self, "a header's name is not one");
    self->name_len = 0;
    self->value_len = 0;
    keep_name(self, c);
    return NAME;
}

static uint8_t go_on_name(struct inbound *self, uint8_t c)
{
    if (c == ':') {
        self->in_cookie = field_is(self, "cookie");
        self->keeps_value = field_frames(self);
        return VALUE;
    }
    if (!is_token(c))
        return refuse(self, "a header's name is not one");
    keep_name(self, c);
    return NAME;
}

static uint8_t go_on_value(struct inbound *self, uint8_t c)
{
    if (c == '\r')
        return LINE_FEED;
    if (!is_text(c))
        return refuse(self, "a header holds a control character");
    if (self->in_cookie)
        self->extra += c == ';' ? 1 + INBOUND_ITEM_BYTES : 1;
    bool leading = self->value_len == 0 && (c == ' ' || c == '\t');
    if (self->keeps_value && !leading && self->value_len < INBOUND_VALUE_BYTES)
        self->value[self->value_len++] = lower(c);
    return VALUE;
}

/* ---- lines ---- */

static uint8_t end_line(struct inbound *self, uint8_t c)
{
    const char *defect = c == '\n' ? NULL : "a carriage return is alone";
    if (!defect && self->in_fields)
        defect = field_take(self);
    if (defect)
        return refuse(self, defect);
    if (!self->in_fields)
        self->line = self->head + 1;
    self->in_fields = true;
    return FIELD;
}

/* The empty line: of the head, or of the trailers, which are headers behind the last chunk. */
static uint8_t end_head(struct inbound *self, uint8_t c)
{
    if (c != '\n')
        return refuse(self, "a carriage return is alone");
    if (self->in_trailers)
        return START;
    if (!field_has_host(self) && !self->is_old)
        return refuse(self, "there is no Host");
    if (self->is_chunked && self->is_old)
        return refuse(self, "HTTP/1.0 has no Transfer-Encoding");
    self->value_len = 0;
    if (self->is_chunked)
        return SIZE;
    return self->left > 0 ? BODY : START;
}

/* ---- bodies ---- */

static int digit_of(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char l = lower(c);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

static uint8_t go_on_size(struct inbound *self, uint8_t c)
{
    int digit = digit_of(c);
    if (digit >= 0 && self->left <= INBOUND_LENGTH_MAX) {
        self->left = self->left * 16 + (uint64_t)digit;
        self->value_len = 1; /* there is a size */
        return SIZE;
    }
    if (self->value_len == 0 || digit >= 0)
        return refuse(self, "a chunk's size is no number");
    if (c == '\r')
        return SIZE_LINE_FEED;
    return c == ';' ? EXTENSION : refuse(self, "a chunk's size is no number");
}

/* The last chunk has no bytes; trailers may follow. */
static uint8_t end_size(struct inbound *self, uint8_t c)
{
    if (c != '\n')
        return refuse(self, "a carriage return is alone");
    size_t line = self->head + 1;
    self->content += line > INBOUND_SIZE_BYTES ? line - INBOUND_SIZE_BYTES : 0;
    if (self->left > self->largest || self->content + (size_t)self->left > self->largest)
        return refuse_as(self, CONTENT_TOO_LARGE, "the body is over the limit");
    self->content += (size_t)self->left;
    self->in_trailers = self->left == 0;
    return self->in_trailers ? FIELD : CHUNK;
}

static uint8_t step_in_body(struct inbound *self, uint8_t c)
{
    switch (self->state) {
    case SIZE:
        return go_on_size(self, c);
    case EXTENSION:
        if (c == '\r')
            return SIZE_LINE_FEED;
        return is_text(c) ? EXTENSION : refuse(self, "a chunk holds a control character");
    case SIZE_LINE_FEED:
        return end_size(self, c);
    case CHUNK_RETURN:
        return c == '\r' ? CHUNK_LINE_FEED : refuse(self, "a chunk is longer than it says");
    default:
        self->value_len = 0;
        return c == '\n' ? SIZE : refuse(self, "a carriage return is alone");
    }
}

static bool takes_line_feed(uint8_t state)
{
    return state == LINE_FEED || state == EMPTY_LINE_FEED || state == SKIPPED_LINE_FEED ||
           state == SIZE_LINE_FEED || state == CHUNK_LINE_FEED;
}

static uint8_t step_in_line(struct inbound *self, uint8_t c)
{
    switch (self->state) {
    case METHOD:
        return go_on_method(self, c);
    case TARGET:
        return go_on_target(self, c);
    default:
        return go_on_version(self, c);
    }
}

static uint8_t step(struct inbound *self, uint8_t c)
{
    if (self->state == START)
        return begin_line(self, c);
    if (c == '\n' && !takes_line_feed(self->state))
        return refuse(self, "a line feed is alone");
    switch (self->state) {
    case SKIPPED_LINE_FEED:
        return end_skipped(self, c);
    case METHOD:
    case TARGET:
    case VERSION:
        return step_in_line(self, c);
    case FIELD:
        return c == '\r' ? EMPTY_LINE_FEED : begin_name(self, c);
    case NAME:
        return go_on_name(self, c);
    case VALUE:
        return go_on_value(self, c);
    case LINE_FEED:
        return end_line(self, c);
    case EMPTY_LINE_FEED:
        return end_head(self, c);
    default:
        return step_in_body(self, c);
    }
}

/* ---- bytes ---- */

static bool is_content(const struct inbound *self)
{
    return self->state == BODY || self->state == CHUNK;
}

/* Content is not looked at. Returns how much of it there was. */
static size_t skip_content(struct inbound *self, size_t len)
{
    size_t n = len < self->left ? len : (size_t)self->left;
    self->left -= n;
    if (self->left == 0)
        self->state = self->state == BODY ? START : CHUNK_RETURN;
    return n;
}

bool inbound_in_head(const struct inbound *self)
{
    return self->state >= METHOD && self->state <= EMPTY_LINE_FEED && !self->in_trailers;
}

bool inbound_in_request(const struct inbound *self)
{
    return self->state != START && self->state != SKIPPED_LINE_FEED;
}

/* Nothing but content and whole pieces has come. */
static bool is_between(const struct inbound *self)
{
    return self->state == START || is_content(self) || self->state == CHUNK_RETURN ||
           (self->state == SIZE && self->value_len == 0);
}

/* `was`: the byte before belonged to a head. What is refused is where it was, if that was its end.
 */
static void measure(struct inbound *self, bool was)
{
    bool in_head = was || inbound_in_head(self);
    size_t most = in_head ? self->most : INBOUND_CHUNK_LINE_BYTES;
    self->head++;
    if (self->head <= most && (!in_head || self->head + self->extra <= most + INBOUND_SPARE_BYTES))
        return;
    if (in_head && self->in_fields)
        (void)refuse_as(self, HEADERS_TOO_LARGE,
                        "the line and the headers of the request are over the limit");
    else if (in_head)
        (void)refuse_as(self, URI_TOO_LONG, "the line of the request is over the limit");
    else
        (void)refuse(self, "the line before a chunk, or the trailers, are over the limit");
    self->state = in_head ? FIELD : SIZE_LINE_FEED;
}

/* ---- most of a head, in one go ---- */

/* Before measure() has something to say of a head. */
static size_t room_of(const struct inbound *self)
{
    size_t most = self->most - self->head;
    return self->extra > INBOUND_SPARE_BYTES ? most - (self->extra - INBOUND_SPARE_BYTES) : most;
}

static size_t take_name(struct inbound *self, const uint8_t *bytes, size_t len)
{
    size_t n = 0;
    for (; n < len && is_token(bytes[n]); n++)
        keep_name(self, bytes[n]);
    return n;
}

/* Of most values nobody looks at the words. */
static size_t skip_value(const struct inbound *self, const uint8_t *bytes, size_t len)
{
    size_t n = 0;
    if (self->in_cookie || (self->keeps_value && self->value_len < INBOUND_VALUE_BYTES))
        return 0;
    while (n < len && is_text(bytes[n]))
        n++;
    return n;
}

static size_t take_run(struct inbound *self, const uint8_t *bytes, size_t len)
{
    if ((self->state != NAME && self->state != VALUE) || self->in_trailers)
        return 0;
    size_t room = room_of(self), most = len < room ? len : room;
    size_t n = self->state == NAME ? take_name(self, bytes, most) : skip_value(self, bytes, most);
    self->head += n;
    return n;
}

/* ---- all of it ---- */

size_t inbound_feed(struct inbound *self, const uint8_t *bytes, size_t len)
{
    size_t i = 0, whole = 0;
    while (i < len && !self->defect) {
        if (is_content(self)) {
            i += skip_content(self, len - i);
            whole = i;
            continue;
        }
        i += take_run(self, bytes + i, len - i);
        if (i == len)
            break;
        bool was = inbound_in_head(self);
        self->state = step(self, bytes[i++]);
        if (!self->defect)
            measure(self, was);
        if (self->defect || !is_between(self))
            continue;
        whole = i;
        self->head = 0;
    }
    return whole;
}

const char *inbound_instead(const struct inbound *self)
{
    switch (self->state) {
    case CHUNK_RETURN:
    case CHUNK_LINE_FEED:
        return "\r\n0\r\n\r\n";
    case SIZE:
    case EXTENSION:
    case SIZE_LINE_FEED:
        return "0\r\n\r\n";
    default:
        return self->in_trailers ? "0\r\n\r\n" : "GET / HTTP/1.1\r\nHost: gateway\r\n\r\n";
    }
}

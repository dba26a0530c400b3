#include "trace.h"

#include "exchange.h"

#include <string.h>

#define HEX "0123456789abcdef"
#define SHORTEST 55u /* "00-", 32 digits, "-", 16 digits, "-00" */
#define LONGEST 512u

static bool is_number(const char *text, size_t digits, char end)
{
    return strspn(text, HEX) == digits && text[digits] == end;
}

static bool is_zero(const char *text, size_t digits)
{
    return strspn(text, "0") >= digits;
}

/* VERSION-TRACE-SPAN-FLAGS, and whatever else a later version says. */
bool trace_valid(const char *text)
{
    size_t len = strlen(text);
    if (len < SHORTEST || len > LONGEST || !is_number(text, 2, '-') || memcmp(text, "ff", 2) == 0)
        return false;
    bool may_go_on = memcmp(text, "00", 2) != 0;
    return is_number(text + 3, 32, '-') && !is_zero(text + 3, 32) &&
           is_number(text + 36, 16, '-') && !is_zero(text + 36, 16) &&
           (is_number(text + 53, 2, '\0') || (may_go_on && is_number(text + 53, 2, '-')));
}

const char *trace_parent(const struct exchange *x)
{
    const char *text = exchange_header(x, "traceparent");
    return text && trace_valid(text) ? text : NULL;
}

const char *trace_state(const struct exchange *x)
{
    return trace_parent(x) ? exchange_header(x, "tracestate") : NULL;
}

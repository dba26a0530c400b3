/* status.c - lookups in the table of outcomes. */
#include "wire/status.h"

#include <string.h>

static const struct {
    const char *text, *meaning;
    int http;
    bool retryable;
} table[STATUS_COUNT] = {
#define STATUS(name, number, text, http, retryable, meaning) \
    [STATUS_##name] = {text, meaning, http, retryable},
#include "wire/status.def"
#undef STATUS
};

static bool known(enum status status)
{
    return (unsigned)status < STATUS_COUNT;
}

const char *status_text(enum status status)
{
    return known(status) ? table[status].text : "unknown";
}

int status_from_text(const char *text)
{
    for (int i = 0; i < STATUS_COUNT; i++)
        if (strcmp(table[i].text, text) == 0)
            return i;
    return -1;
}

int status_http(enum status status)
{
    return known(status) ? table[status].http : table[STATUS_INTERNAL].http;
}

bool status_retryable(enum status status)
{
    return known(status) && table[status].retryable;
}

const char *status_meaning(enum status status)
{
    return known(status) ? table[status].meaning : "unknown";
}

/* status.h - outcomes of calls, from the one table in status.def. Pure. */
#ifndef WIRE_STATUS_H
#define WIRE_STATUS_H

#include <stdbool.h>

enum status {
#define STATUS(name, number, text, http, retryable, meaning) STATUS_##name = (number),
#include "wire/status.def"
#undef STATUS
    STATUS_COUNT
};

/* The stable lower-case code, e.g. "permission_denied"; "unknown" if out of range. */
const char *status_text(enum status status);
/* The number for a code, or -1. */
int status_from_text(const char *text);
int status_http(enum status status);
bool status_retryable(enum status status);
const char *status_meaning(enum status status);

#endif

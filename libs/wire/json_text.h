/* json_text.h - what both directions of json.h share. Internal to libs/wire.
 * Numbers are formatted and parsed as in the C locale, whatever the program's. */
#ifndef WIRE_JSON_TEXT_H
#define WIRE_JSON_TEXT_H

#include "wire/json.h"

#define JSON_FLOAT_TEXT 32u

/* Says where and what; returns `rc`. */
int json_fail(struct json_error *why, int rc, size_t at, const char *what);
/* The shortest text of at most 17 digits that reads back as the same number, and as a float. */
void json_format_float(char text[JSON_FLOAT_TEXT], double value);
/* `text` is a JSON number, terminated. */
double json_parse_float(const char *text);

#endif

/* percent.h - percent-encoded text (RFC 3986), read strictly. Pure. */
#ifndef GATEWAY_PERCENT_H
#define GATEWAY_PERCENT_H

#include <stdbool.h>

/* In place. False when an escape is broken or stands for a NUL or, in a path, for a slash: so no
 * two readers take it apart differently. */
bool percent_decode_path(char *path);
/* '+' is a space (WHATWG URL, application/x-www-form-urlencoded). */
bool percent_decode_query(char *value);

#endif

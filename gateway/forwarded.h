/* forwarded.h - what the proxy in front of the gateway says of its client, in the header that a
 * setting names. The loop thread's. */
#ifndef GATEWAY_FORWARDED_H
#define GATEWAY_FORWARDED_H

#include <stdbool.h>
#include <stddef.h>

struct MHD_Connection;

/* The last address of a list, which the proxy put there, without its port and brackets; what is
 * before it the client may have made up. False: that is none. Pure. */
bool forwarded_last(const char *list, char *out, size_t size);
/* That of the last such header. False: none, and `out` is untouched. */
bool forwarded_address(struct MHD_Connection *connection, const char *header, char *out,
                       size_t size);

#endif

/* address.h - where a socket listens, as people write it. Pure. */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include <netinet/in.h>

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* "127.0.0.1:8000", "[::1]:8000"; no names. 0, or -EINVAL with `*out` undefined. */
int address_parse(union address *out, const char *text);

#endif

/* allow.h - a list of the network addresses that may be reached. Nothing is unless an entry says
 * so. Pure.
 *
 * An entry is one of
 *   10.1.2.3 or 10.1.0.0/16, fd00::1 or fd00::/8   these addresses, every port
 *   10.1.2.3:8080, [fd00::1]:8080                  one address, one port
 *   name:8080                                      URLs with this very name and port, whatever
 *                                                  address it has, except link-local ones (the
 *                                                  metadata services of clouds among them),
 *                                                  multicast and none at all */
#ifndef POLICY_ALLOW_H
#define POLICY_ALLOW_H

#include "policy/line.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ALLOW_MAX 64u
#define ALLOW_NAME_MAX 253u
#define ALLOW_WHY_BYTES LINE_WHY_BYTES

struct allow_entry {
    char name[ALLOW_NAME_MAX + 1]; /* lower case; empty: an address */
    uint8_t address[16];           /* IPv4 as ::ffff:a.b.c.d */
    unsigned bits;                 /* of it that count */
    uint16_t port;                 /* 0: every one */
};

struct allow_list {
    struct allow_entry entries[ALLOW_MAX];
    size_t n;
};

/* -EINVAL with `why` (ALLOW_WHY_BYTES) when an entry makes no sense; `out` is then untouched. */
int allow_read(struct allow_list *out, char *const *texts, size_t n, char *why);
/* May a connection be made to `address`, which is what `name` in a URL stands for? Called with the
 * address that is about to be connected to, so that a name that changes its mind gains nothing. */
bool allow_admits(const struct allow_list *list, const char *name, const struct sockaddr *address);

#endif

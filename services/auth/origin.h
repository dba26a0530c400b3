/* origin.h - where an attempt to log in comes from, and whether that place has had too many. */
#ifndef AUTH_ORIGIN_H
#define AUTH_ORIGIN_H

#include "auth.h"

#define ORIGIN_SIZE 256u

struct origin {
    char text[ORIGIN_SIZE]; /* "": not known, and not limited */
};

/* Of an address, the part that one customer of a network is given: of IPv6 the first 64 bits.
 * What is no address stands for itself. Pure. */
void origin_of_address(struct origin *origin, const char *address);
/* Only the service's own tenant, which is where gateways are, is believed about addresses, and may
 * speak for people of other tenants; everybody else is where they are. False: answered. */
bool origin_read(struct origin *origin, const struct auth *auth, fbx_request *request,
                 const char *address, const char *tenant);

/* Too many failures: answers, with when to come back. */
bool origin_refused(struct auth *auth, const struct origin *origin, fbx_request *request);
void origin_failed(struct auth *auth, const struct origin *origin);

#endif

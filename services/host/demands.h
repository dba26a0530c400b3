/* demands.h - what whoever runs the host asks of callers, in place of what a module does: a tier
 * for a service, or for one of its methods, and one tenant. */
#ifndef HOST_DEMANDS_H
#define HOST_DEMANDS_H

#include "farebox.h"
#include "options.h"

/* A service to be registered as the options say. Valid until demands_finish(). */
struct demands {
    fbx_service service;
    char **method_tiers; /* owned; ended by NULL */
};

void demands_apply(struct demands *out, const struct host_options *options,
                   const fbx_service *service);
void demands_finish(struct demands *demands);

/* The first --tier that names none of these services, or NULL: nobody should take for protected
 * what is not. */
const char *demands_unmet(const struct host_options *options, char *const *services, size_t n);

#endif

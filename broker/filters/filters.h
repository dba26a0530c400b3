/* filters.h - every filter there is; chain.c puts them in order. */
#ifndef FILTERS_FILTERS_H
#define FILTERS_FILTERS_H

#include "core/filter.h"

extern const struct filter filter_deadline;    /* how long it may take */
extern const struct filter filter_identity;    /* on whose behalf */
extern const struct filter filter_registry;    /* which service and method */
extern const struct filter filter_entitlement; /* whether they may */
extern const struct filter filter_quota;       /* how often in a month */
extern const struct filter filter_rate_limit;  /* how often */
extern const struct filter filter_meter;       /* counts what is answered, for the bill */
extern const struct filter filter_breaker;     /* whether it is up to it */
extern const struct filter filter_dedupe;      /* whether it has been answered before */
extern const struct filter filter_balancer;    /* which instance */

#endif

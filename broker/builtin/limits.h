/* limits.h - what bus.limits says of somebody, for others who say it too. */
#ifndef BUILTIN_LIMITS_H
#define BUILTIN_LIMITS_H

#include "base/buf.h"

struct core;
struct identity;

/* Appends the LIMITS of docs/builtin.md. */
void limits_pack_own(struct core *core, struct buf *out, struct identity *who);

#endif

/* usage_credits.h - the verbs of bus.usage that give and list credits (core/credits.h). */
#ifndef BUILTIN_USAGE_CREDITS_H
#define BUILTIN_USAGE_CREDITS_H

#include "builtin/builtin.h"
#include "builtin/packing.h"

struct credit;

/* As in struct builtin_verb. */
enum status usage_give_credit(struct core *core, struct call *call, enum scope scope,
                              struct buf *out, const char **why);
enum status usage_list_credits(struct core *core, struct call *call, enum scope scope,
                               struct buf *out, const char **why);

/* A map of it, with the customer unless that is empty. */
void usage_pack_credit(msgpack_packer *packer, const struct credit *credit, struct slice customer);

#endif

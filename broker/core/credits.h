/* credits.h - calls that were metered and shall not be billed: the bill is corrected by entries of
 * its own, never by changing what was counted. A credit names one row of an hour, has an id of the
 * caller's choosing and is kept as long as the row: giving it again changes nothing, and no row is
 * credited more than was metered.
 *
 * Kept in the journal before the answer leaves. Its key begins with the row's, so that both tables
 * are read in the same order. */
#ifndef CORE_CREDITS_H
#define CORE_CREDITS_H

#include "core/journal.h"
#include "core/usage.h"

struct core;

#define CREDITS_TABLE "credits"
#define CREDIT_IDS_TABLE "credit_ids" /* tenant, NUL, id: the key of the credit */
#define CREDIT_ID_MAX 64u
#define CREDIT_REASON_MAX 256u
#define CREDITS_OF_A_ROW 1024u

struct credit {
    struct usage_key of; /* its time is that of an hour */
    struct slice id;     /* one of the tenant's */
    uint64_t calls;      /* at least one */
    uint64_t at_ms;      /* Unix: when it was given */
    struct slice by;     /* "tenant/user" */
    struct slice reason; /* UTF-8; may be empty */
};

struct credits {
    struct buf changes; /* of this turn, for the journal */
};

enum credit_outcome {
    CREDIT_GIVEN,
    CREDIT_KNOWN,    /* the same one was given before; it is as it was then */
    CREDIT_CONFLICT, /* the id is that of another credit */
    CREDIT_NO_ROW,   /* nothing was metered there, or it is kept by the day by now */
    CREDIT_TOO_MUCH, /* more than was metered */
    CREDIT_TOO_MANY, /* more than CREDITS_OF_A_ROW */
    CREDIT_NO_BOOKS, /* they cannot be read or written now */
};

/* `credit` may be changed to the one that is known, in the turn's arena. */
enum credit_outcome credits_give(struct core *core, struct credit *credit);
/* A record of CREDITS_TABLE; views into both. False: it is not one of ours. */
bool credit_read(struct credit *out, struct slice key, struct slice record);
/* The credit of that key, and its id. */
void credits_remove(struct core *core, struct slice key);

void credits_finish(struct credits *credits);

extern const struct journal_section credits_section;

#endif

/* revoked.h - tokens that are not believed any more, though they are signed and in time: one by its
 * id (jti), or all those of a user that were issued before a moment. What is asked with one is
 * refused from the next question on, and what was opened with one ends. A revocation is kept as
 * long as such a token could be valid, and outlives the process. Owned by the core; one thread. */
#ifndef CORE_REVOKED_H
#define CORE_REVOKED_H

#include "base/map.h"
#include "base/wheel.h"
#include "core/journal.h"

struct core;
struct identity;

#define REVOKED_TABLE "revoked"
#define REVOKED_ID_MAX 256u /* of a token's id */

/* Slices are views of a record, or of whoever asks for it. */
struct revocation {
    struct slice id;           /* of the token; empty: all tokens of */
    struct slice tenant, user; /* this one, */
    uint64_t issued_before_ms; /* Unix */
    uint64_t until_ms;         /* kept so long; 0: for ever */
    uint64_t at_ms;
    struct slice by; /* "tenant/user" */
};

struct revoked {
    struct map by_key;
    uint64_t generation; /* changes with every revocation; never 0 */
    struct buf changes;  /* of this turn, for the journal */
    struct buf owed;     /* found in the ledger and refused by the books so far */
    struct timer sweep;
};

enum revoke_outcome {
    REVOKE_DONE, /* also if it was before */
    REVOKE_FULL,
    REVOKE_NO_BOOKS, /* they cannot be written now */
};

/* Negative errno of the books. */
int revoked_start(struct core *core);
void revoked_finish(struct core *core);

extern const struct journal_section revoked_section;

/* What is known of it already is not taken back: of two the later end counts. */
enum revoke_outcome revoked_add(struct core *core, const struct revocation *revocation);
/* Is it that of a token that was revoked? */
bool revoked_holds(struct core *core, struct identity *identity);
/* A record of REVOKED_TABLE; views into both. False: it is not one of ours. */
bool revocation_read(struct revocation *out, struct slice key, struct slice record);

#endif

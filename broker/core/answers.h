/* answers.h - what was answered to calls that came with an idempotency key, so that the same call
 * again gets the same answer without being made again. While the first is under way, others wait
 * for its answer. Answers outlive the process; they are bounded in number, in bytes and in time,
 * and no tenant has more than its share of them. Owned by the core; one thread. */
#ifndef CORE_ANSWERS_H
#define CORE_ANSWERS_H

#include "base/list.h"
#include "base/map.h"
#include "core/journal.h"
#include "wire/wire.h"

struct call;
struct core;

#define ANSWERS_TABLE "answers"
#define ANSWERS_SHARE 4u                /* a tenant may have one part in so many */
#define ANSWER_KEY_MAX 128u             /* of the caller's own */
#define ANSWER_BYTES_MAX (256u * 1024u) /* longer ones are not kept */
#define ANSWER_HASH_BYTES 16u

struct answer_share;

struct answer {
    struct slice key; /* tenant, user, service, method and the caller's, with NUL between; or of the
                         last, if that is too long for the books, a digest */
    uint8_t hash[ANSWER_HASH_BYTES]; /* of what was asked */
    struct call *leader;             /* that gets the answer; NULL: it is kept */
    struct list waiting;             /* call.by_place of those who want the same */
    bool metered;
    uint64_t expires_ms; /* Unix */
    size_t bytes;
    struct answer_share *share;
    struct list by_age, of_share;
    struct list to_save; /* in answers.unsaved */
    struct buf unsaved;  /* its record, as long as the books have not got it */
    uint8_t name[];
};

struct answers {
    struct map by_key, shares;
    struct list by_age;  /* kept ones, the oldest first */
    struct list unsaved; /* those the books have not got, oldest first */
    size_t n, bytes;
    struct buf changes; /* of this turn, for the journal */
};

/* Reads what is kept. Negative errno of the books. */
int answers_start(struct core *core);
void answers_finish(struct core *core);

extern const struct journal_section answers_section;

/* NULL: there is none, any more. */
struct answer *answers_find(struct core *core, struct slice key);
/* The call leads: it is the one that is made. */
struct answer *answers_begin(struct core *core, struct slice key, const uint8_t *hash,
                             struct call *call);
/* The call waits for the answer. */
void answers_wait(struct answer *answer, struct call *call);
/* Would the same call be answered alike tomorrow? Not what may be tried again, nor what was called
 * off. */
bool answer_is_final(const struct wire_reply *reply);
/* The answer is kept, and those who wait get it. */
void answers_keep(struct core *core, struct answer *answer, const struct wire_reply *reply,
                  bool metered);
/* There will be none to keep: of those who wait one is to lead. */
void answers_drop(struct core *core, struct answer *answer);
enum answer_giving {
    ANSWER_GIVEN,      /* the call has ended with it */
    ANSWER_LOST,       /* damaged, and forgotten */
    ANSWER_UNREADABLE, /* now; later it may be */
};
enum answer_giving answers_give(struct core *core, struct answer *answer, struct call *call);

/* As answers_find() and answers_give(), but nothing is forgotten, nobody is answered, and `*status`
 * is that of the answer that is kept. */
const struct answer *answers_peek(const struct core *core, struct slice key);
enum answer_giving answers_look(struct core *core, const struct answer *answer,
                                enum status *status);

#endif

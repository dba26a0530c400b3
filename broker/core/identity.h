/* identity.h - who somebody is, proven once and remembered: a verified token or
 * a context sealed by this broker. Reference counted; immutable after creation but for
 * what it remembers: its standing, its sealed contexts and what it used. */
#ifndef CORE_IDENTITY_H
#define CORE_IDENTITY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "core/context.h"
#include "core/meter.h"
#include "core/permission.h"
#include "core/standing.h"
#include "token/token.h"

#define IDENTITY_WHY_BYTES 96u
#define IDENTITY_SEALS 8u /* sealed contexts remembered for one identity */

struct identity {
    unsigned refs;
    struct context context;         /* as claimed; its text is in `block` */
    struct permissions permissions; /* compiled from it */
    struct slice tenant, user;      /* views into context */
    void *block;
    uint64_t expires_ms;      /* of the token or the seal, Unix */
    bool delegated;           /* came sealed: `context.audience` may present it */
    bool shared;              /* sealed for a shared service: what it calls is part of a call */
    struct standing standing; /* ask standing_of() */
    struct limited *limited;  /* ask rates_user() */
    struct month *month;      /* ask months_of() */
    uint64_t limited_when, month_when;
    uint64_t judged; /* in this generation of revocations: */
    bool revoked;    /* ask revoked_holds() */
    struct identity_seal {
        char *audience;
        uint32_t depth;
        uint64_t expires_ms;
        struct buf credential;
    } seals[IDENTITY_SEALS];
    unsigned next_seal;
    struct meter_recent recent;
};

struct identities;

struct identities_options {
    int (*verify)(void *arg, struct slice token, int64_t now_s, struct token_claims *claims,
                  char *why);
    void *verify_arg;
    uint8_t seal_key[32];
    uint32_t remembered; /* at most; the least recently used go first */
};

struct identities *identities_create(const struct identities_options *options);
void identities_destroy(struct identities *identities);
/* Forgets every remembered credential; holders keep their references. */
void identities_forget(struct identities *identities);
size_t identities_count(const struct identities *identities);

/* Resolves a serialised Credential. A sealed context must have been issued to one of
 * `audiences`. Returns a reference, or NULL with `why` (IDENTITY_WHY_BYTES) naming the defect
 * for the log. Expiry is checked even if remembered. */
struct identity *identities_resolve(struct identities *identities, struct slice credential,
                                    const struct slice *audiences, size_t n_audiences,
                                    uint64_t unix_ms, char *why);
/* The same for a bare token. */
struct identity *identities_resolve_token(struct identities *identities, struct slice token,
                                          uint64_t unix_ms, char *why);
/* The same, but nothing is remembered, and nothing forgotten for it. */
struct identity *identities_judge_token(struct identities *identities, struct slice token,
                                        uint64_t unix_ms, char *why);
/* Of somebody who has shown nothing: to explain what they might do. A reference. */
struct identity *identity_supposed(const struct context *claims);
struct identity *identity_ref(struct identity *identity);
void identity_unref(struct identity *identity); /* takes NULL */
/* When to look whether what ends at `expires_ms` has: then, on the monotonic clock, or in a day,
 * whichever comes first. */
uint64_t identity_look_at(uint64_t expires_ms, struct moment now);

/* The identity sealed for `audience` at `depth` under the terms `context` says (standing_seal()): a
 * serialised Credential, good for at least `valid_ms` unless the identity itself ends
 * sooner. Borrowed until the next call for this identity. */
const struct identity_seal *identity_sealed(struct identities *identities,
                                            struct identity *identity, const struct context *terms,
                                            struct slice audience, uint32_t depth, uint64_t unix_ms,
                                            uint64_t valid_ms);
/* The terms have changed: what was sealed before is sealed anew when it is asked for. */
void identity_unseal(struct identity *identity);

#endif

/* context.h - sealed contexts: who a call is for, vouched for by the broker.
 *
 * A context is established once, from a token, and travels as a serialised
 * farebox.v1.Context under a keyed BLAKE2b-256 seal. Whoever holds one can read it and hand it
 * back, but not change it, pass it to another service or use it after its time.
 * Pure: the key and the time are passed in. Not thread safe by itself; nothing is shared. */
#ifndef CORE_CONTEXT_H
#define CORE_CONTEXT_H

#include "base/arena.h"
#include "base/slice.h"

#include <stdint.h>

#define CONTEXT_KEY_BYTES 32u
#define CONTEXT_SEAL_BYTES 32u
#define CONTEXT_PERMISSIONS_MAX 256u
#define CONTEXT_FEATURES_MAX 64u

struct sealer {
    uint8_t key[CONTEXT_KEY_BYTES];
};

/* `key`: CONTEXT_KEY_BYTES random bytes. */
void sealer_init(struct sealer *sealer, const uint8_t *key);
void sealer_finish(struct sealer *sealer); /* wipes the key */

/* The text is borrowed: from whoever filled it for sealing, from the arena after opening, when
 * none of it is NULL. For sealing NULL stands for "". */
struct context {
    const char *tenant, *user, *tier, *subscription_status, *billing_customer, *token_id;
    const char *audience; /* the service it is issued to */
    const char *const *permissions;
    size_t n_permissions;
    const char *const *features;
    size_t n_features;
    const char *const *tier_features; /* for services to see; not read back */
    size_t n_tier_features;
    uint64_t expires_ms;                        /* Unix milliseconds */
    uint64_t token_issued_ms, token_expires_ms; /* of the token it came from */
    uint32_t depth;
};

/* `credential` receives a serialised farebox.v1.Credential in the arena, ready for
 * wire_put_credential(). -EMSGSIZE: larger than a credential may be; -EINVAL: no tenant,
 * user, audience or expiry, or more permissions or features than allowed. */
int context_seal(const struct sealer *sealer, const struct context *context, struct arena *arena,
                 struct slice *credential);

/* Is the context's audience one of those given, and its time not over? 0, -EACCES (other
 * audience) or -EKEYEXPIRED. For contexts opened before and remembered. */
int context_admit(const struct context *context, const struct slice *audiences, size_t n_audiences,
                  uint64_t now_ms);

/* Verifies the seal (in constant time), unpacks and admits. `audiences`: the services the
 * presenter serves. -EACCES: forged, or another's; -EKEYEXPIRED: its time is over. `out` is
 * untouched on failure. */
int context_open(const struct sealer *sealer, struct slice context, struct slice seal,
                 const struct slice *audiences, size_t n_audiences, uint64_t now_ms,
                 struct arena *arena, struct context *out);

#endif

/* token.h - JSON Web Tokens: judged here, parsed by libjwt (which judges
 * nothing: it accepts expired tokens, "none" under an empty key, and HS512
 * where HS256 was meant). The only user of libjwt. Thread safe once opened.
 *
 * A key may be several secrets, told apart by the header field kid: the first signs, all verify.
 * With more than one a token must name its own; one that names another than the only one that has a
 * name is refused.
 *
 * Accepted: HS256 only, header fields alg, typ and kid only (anything else, and
 * always crit, jku, jwk, x5u, x5c, is refused), exp required and in the future,
 * nbf and iat if present not in the future (60 s leeway for iat/nbf, none for exp),
 * iss and aud as configured, types as listed, no duplicate claims, three
 * segments, at most TOKEN_BYTES_MAX. */
#ifndef TOKEN_TOKEN_H
#define TOKEN_TOKEN_H

#include "base/slice.h"

#include <stdint.h>

#define TOKEN_BYTES_MAX 8192u
#define TOKEN_SECRET_MIN 32u
#define TOKEN_PERMISSIONS_MAX 256u

struct token_key; /* a secret, or several */

/* -EINVAL: empty or under TOKEN_SECRET_MIN bytes. issuer/audience NULL: not checked
 * when the token has none; a token that carries one must then match "farebox". */
int token_key_create(struct token_key **out, struct slice secret, const char *issuer,
                     const char *audience);
/* Reads a file, drops one trailing newline. Other errors: -errno of the read. */
int token_key_load(struct token_key **out, const char *path, const char *issuer,
                   const char *audience);
/* The same from a JWK Set (RFC 7517) of symmetric keys: kty oct, alg HS256, use sig, each with a
 * kid if there are several, at most 16. -EINVAL: `why` (at least 96 bytes, may be NULL) says what
 * is wrong with it, without any of it. */
int token_key_load_set(struct token_key **out, const char *path, const char *issuer,
                       const char *audience, char *why);
int token_key_read_set(struct token_key **out, struct slice text, const char *issuer,
                       const char *audience, char *why);
void token_key_destroy(struct token_key *key);

/* Names the only secret; NULL: at random. -EINVAL: there are several, or kid is not a plain name
 * (letters, digits, - and _, at most 64). */
int token_key_name(struct token_key *key, const char *kid);
/* Puts a new random secret, named likewise, in front of the first `kept` of the others; the rest is
 * forgotten. -EINVAL: not a plain name; -EEXIST: one that stays has that name; -ENOKEY: one that
 * stays has none, so that its tokens would not be told apart. */
int token_key_rotate(struct token_key *key, const char *kid, size_t kept);
/* The key as a JWK Set, secrets and all. To be wiped, and freed with free(). */
char *token_key_write_set(const struct token_key *key);

/* Do all tokens signed with the one hold with the other, and the other way round? Issuer and
 * audience are not compared. */
bool token_key_same_secret(const struct token_key *a, const struct token_key *b);

/* The claims the bus uses (names in JSON: user_id, tenant_id, subscription_tier,
 * subscription_status, permissions, usage_limits, exp, iat, jti, iss, aud,
 * business_context{billing_customer_id, enterprise_features}). All text is
 * NUL-terminated and owned by the claims; after token_verify none of it is NULL
 * (no tier reads as "free", no status as "active", anything else as ""). */
struct token_limits {
    int64_t per_minute, burst, monthly; /* 0: not limited */
};
struct token_claims {
    char *user, *tenant, *tier, *subscription_status, *billing_customer, *id;
    char **permissions;
    size_t n_permissions;
    char **features;
    size_t n_features;
    int64_t issued_s, expires_s, not_before_s; /* Unix seconds; 0: absent */
    /* usage_limits, to be minted and borrowed; NULL: it says nothing. It tells clients; nobody here
     * believes it, and it is never read back. */
    const struct token_limits *limits;
};
void token_claims_finish(struct token_claims *claims);

/* 0, or -EACCES for every kind of bad token; `why` (at least 96 bytes, may be NULL)
 * then names the defect for the broker's log, never for the caller.
 * Outputs are untouched on failure. now_s: Unix seconds. */
int token_verify(const struct token_key *key, struct slice token, int64_t now_s,
                 struct token_claims *claims, char *why);

/* Mints one: times as given, a random jti when id is NULL or empty. Returns text to free
 * with free(), or NULL if the claims could not be verified afterwards (bad names, expiry
 * in the past, too large). */
char *token_mint(const struct token_key *key, const struct token_claims *claims, int64_t now_s);

#endif

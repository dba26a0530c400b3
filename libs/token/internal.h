/* internal.h - shared by the files of libs/token; not for others. */
#ifndef TOKEN_INTERNAL_H
#define TOKEN_INTERNAL_H

#include "token/token.h"

#include <jansson.h>

#define TOKEN_ISSUER_DEFAULT "farebox"

#define TOKEN_KID_MAX 64u
#define TOKEN_SECRETS_MAX 16u

struct token_secret {
    char kid[TOKEN_KID_MAX + 1]; /* empty: it has none */
    uint8_t *bytes;
    size_t len;
};

struct token_key {
    struct token_secret *secrets; /* the first signs */
    size_t n;
    char *issuer, *audience; /* NULL: not configured */
};

/* Without secrets. */
struct token_key *token_key_empty(const char *issuer, const char *audience);
void token_secret_finish(struct token_secret *secret); /* wipes it */
bool token_kid_is_plain(const char *kid);

/* A defect is named by a constant text; NULL means that there is none. */

/* The decoded header segment of a token; `kid` is empty if it names none. */
const char *token_header_read(struct slice segment, char kid[TOKEN_KID_MAX + 1]);
/* Parses a base64url segment holding one JSON object without duplicate members; NULL if it
 * is anything else. The caller releases it with json_decref(). */
json_t *token_segment_object(struct slice segment);
/* exp, nbf, iat, iss and aud, of a payload whose signature holds. */
const char *token_validity_defect(const struct token_key *key, const json_t *payload,
                                  int64_t now_s);
/* Fills zeroed `claims`, which need token_claims_finish() also after a defect. */
const char *token_claims_read(struct token_claims *claims, const json_t *payload);

#endif

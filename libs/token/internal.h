/* internal.h - shared by the files of libs/token; not for others. */
#ifndef TOKEN_INTERNAL_H
#define TOKEN_INTERNAL_H

#include "token/token.h"

#include <jansson.h>

#define TOKEN_ISSUER_DEFAULT "farebox"

struct token_key {
    uint8_t *secret;
    size_t secret_len;
    char *issuer, *audience; /* NULL: not configured */
};

/* A defect is named by a constant text; NULL means that there is none. */

/* The decoded header segment of a token. */
const char *token_header_defect(struct slice segment);
/* Parses a base64url segment holding one JSON object without duplicate members; NULL if it
 * is anything else. The caller releases it with json_decref(). */
json_t *token_segment_object(struct slice segment);
/* exp, nbf, iat, iss and aud, of a payload whose signature holds. */
const char *token_validity_defect(const struct token_key *key, const json_t *payload,
                                  int64_t now_s);
/* Fills zeroed `claims`, which need token_claims_finish() also after a defect. */
const char *token_claims_read(struct token_claims *claims, const json_t *payload);

#endif

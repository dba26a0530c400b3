/* token_forge.h - tokens with any header and any payload under a right signature:
 * what an attacker who knows the secret, or a careless issuer, could make. */
#ifndef TOKEN_FORGE_H
#define TOKEN_FORGE_H

#include "base/slice.h"

#define FORGE_SECRET "0123456789abcdef0123456789abcdef"
#define FORGE_BYTES 65536u

enum forge_hash { FORGE_SHA256, FORGE_SHA512 };

/* `out` holds FORGE_BYTES. Returns it. */
char *forge_token(char *out, const char *header, const char *payload, enum forge_hash hash);
/* The same with the first two segments as they stand. */
char *forge_signature(char *out, const char *header64, const char *payload64, enum forge_hash hash);
/* base64url without padding; `out` holds FORGE_BYTES. */
char *forge_base64(char *out, struct slice bytes);

#endif

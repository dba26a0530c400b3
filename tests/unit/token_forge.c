#include "token_forge.h"

#include <sodium.h>
#include <stdio.h>

char *forge_base64(char *out, struct slice bytes)
{
    return sodium_bin2base64(out, FORGE_BYTES, bytes.data, bytes.len,
                             sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static size_t sign(unsigned char *out, struct slice text, enum forge_hash hash)
{
    const unsigned char *secret = (const unsigned char *)FORGE_SECRET;
    if (hash == FORGE_SHA512) {
        crypto_auth_hmacsha512_state state;
        crypto_auth_hmacsha512_init(&state, secret, sizeof FORGE_SECRET - 1);
        crypto_auth_hmacsha512_update(&state, text.data, text.len);
        crypto_auth_hmacsha512_final(&state, out);
        return crypto_auth_hmacsha512_BYTES;
    }
    crypto_auth_hmacsha256(out, text.data, text.len, secret);
    return crypto_auth_hmacsha256_BYTES;
}

char *forge_signature(char *out, const char *header64, const char *payload64, enum forge_hash hash)
{
    unsigned char signature[crypto_auth_hmacsha512_BYTES];
    int len = snprintf(out, FORGE_BYTES, "%s.%s", header64, payload64);
    size_t size = sign(signature, slice_of(out), hash);
    out[len] = '.';
    sodium_bin2base64(out + len + 1, FORGE_BYTES - (size_t)len - 1, signature, size,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return out;
}

char *forge_token(char *out, const char *header, const char *payload, enum forge_hash hash)
{
    static char header64[FORGE_BYTES], payload64[FORGE_BYTES];
    forge_base64(header64, slice_of(header));
    forge_base64(payload64, slice_of(payload));
    return forge_signature(out, header64, payload64, hash);
}

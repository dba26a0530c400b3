/* fuzz_token.c - tokens from strangers. An input that begins with "!" or is one line is a token as
 * it stands; any other is a header, a line feed and a payload, which are encoded and signed with
 * the right secret, so that what lies behind the signature is tried too. */
#include "base/buf.h"
#include "base/name.h"
#include "token/token.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define SECRET "0123456789abcdef0123456789abcdef"
#define NOW 1000
#define PART_MAX 16384u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void append_base64(struct buf *out, struct slice bytes)
{
    char text[4 * PART_MAX];
    sodium_bin2base64(text, sizeof text, bytes.data, bytes.len,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    buf_append(out, text, strlen(text));
}

static void sign(struct buf *token, struct slice header, struct slice payload)
{
    uint8_t signature[crypto_auth_hmacsha256_BYTES];
    append_base64(token, header);
    buf_append(token, ".", 1);
    append_base64(token, payload);
    crypto_auth_hmacsha256(signature, token->data, token->len, (const uint8_t *)SECRET);
    buf_append(token, ".", 1);
    append_base64(token, slice_make(signature, sizeof signature));
}

static void build(struct buf *token, struct slice input)
{
    const uint8_t *line = input.len ? memchr(input.data, '\n', input.len) : NULL;
    if (!line) {
        buf_append(token, input.data, input.len);
        return;
    }
    size_t head = (size_t)(line - input.data);
    sign(token, slice_make(input.data, head), slice_make(line + 1, input.len - head - 1));
}

/* What everything behind token_verify() takes for granted. */
static void check(const struct token_claims *claims)
{
    require(name_valid(slice_of(claims->tenant)));
    require(name_valid_user(slice_of(claims->user)));
    require(name_valid(slice_of(claims->tier)));
    require(claims->expires_s > NOW);
    require(claims->subscription_status && claims->billing_customer && claims->id);
    require(claims->n_permissions <= TOKEN_PERMISSIONS_MAX);
    for (size_t i = 0; i < claims->n_permissions; i++)
        require(*claims->permissions[i] && strlen(claims->permissions[i]) <= 256);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct token_key *key;
    struct buf token = {0};
    struct token_claims claims;
    char why[96] = "";
    if (size > PART_MAX)
        return 0;
    if (!key)
        require(token_key_create(&key, slice_of(SECRET), NULL, NULL) == 0);
    if (size && data[0] == '!')
        buf_append(&token, data + 1, size - 1);
    else
        build(&token, slice_make(data, size));
    if (token_verify(key, buf_slice(&token), NOW, &claims, why) == 0) {
        check(&claims);
        token_claims_finish(&claims);
    } else {
        require(*why && strlen(why) < sizeof why);
    }
    buf_finish(&token);
    return 0;
}

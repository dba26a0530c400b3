#include "token/internal.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <sodium.h>

#define SECRET_FILE_MAX 65536u /* larger is some other file, given by mistake */

struct token_key *token_key_empty(const char *issuer, const char *audience)
{
    struct token_key *key = mem_zalloc(sizeof *key);
    key->issuer = issuer ? mem_strdup(issuer) : NULL;
    key->audience = audience ? mem_strdup(audience) : NULL;
    return key;
}

int token_key_create(struct token_key **out, struct slice secret, const char *issuer,
                     const char *audience)
{
    if (secret.len < TOKEN_SECRET_MIN || secret.len > SECRET_FILE_MAX)
        return -EINVAL;
    if (sodium_init() < 0)
        return -EIO;
    struct token_key *key = token_key_empty(issuer, audience);
    key->secrets = mem_zalloc(sizeof *key->secrets);
    key->secrets[0].bytes = mem_dup(secret.data, secret.len);
    key->secrets[0].len = secret.len;
    key->n = 1;
    *out = key;
    return 0;
}

static void forget(struct buf *secret)
{
    if (secret->data)
        sodium_memzero(secret->data, secret->cap);
    buf_finish(secret);
}

int token_key_load(struct token_key **out, const char *path, const char *issuer,
                   const char *audience)
{
    struct buf bytes = {0};
    int err = file_read(&bytes, path, SECRET_FILE_MAX);
    if (err)
        goto fail;
    size_t len = bytes.len;
    if (len > 0 && bytes.data[len - 1] == '\n')
        len--;
    err = token_key_create(out, slice_make(bytes.data, len), issuer, audience);
fail:
    forget(&bytes);
    return err;
}

int token_key_load_set(struct token_key **out, const char *path, const char *issuer,
                       const char *audience, char *why)
{
    struct buf bytes = {0};
    int err = file_read(&bytes, path, SECRET_FILE_MAX);
    if (!err)
        err = token_key_read_set(out, buf_slice(&bytes), issuer, audience, why);
    forget(&bytes);
    return err;
}

void token_secret_finish(struct token_secret *secret)
{
    if (secret->bytes)
        sodium_memzero(secret->bytes, secret->len);
    mem_free(secret->bytes);
}

void token_key_destroy(struct token_key *key)
{
    if (!key)
        return;
    for (size_t i = 0; i < key->n; i++)
        token_secret_finish(&key->secrets[i]);
    mem_free(key->secrets);
    mem_free(key->issuer);
    mem_free(key->audience);
    mem_free(key);
}

static bool is_same(const struct token_secret *a, const struct token_secret *b)
{
    return strcmp(a->kid, b->kid) == 0 && a->len == b->len &&
           sodium_memcmp(a->bytes, b->bytes, a->len) == 0;
}

bool token_key_same_secret(const struct token_key *a, const struct token_key *b)
{
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++)
        same = is_same(&a->secrets[i], &b->secrets[i]);
    return same;
}

#include "token/internal.h"

#include "base/buf.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#define SECRET_FILE_MAX 65536u /* larger is some other file, given by mistake */

int token_key_create(struct token_key **out, struct slice secret, const char *issuer,
                     const char *audience)
{
    if (secret.len < TOKEN_SECRET_MIN || secret.len > SECRET_FILE_MAX)
        return -EINVAL;
    if (sodium_init() < 0)
        return -EIO;
    struct token_key *key = mem_zalloc(sizeof *key);
    key->secret = mem_dup(secret.data, secret.len);
    key->secret_len = secret.len;
    key->issuer = issuer ? mem_strdup(issuer) : NULL;
    key->audience = audience ? mem_strdup(audience) : NULL;
    *out = key;
    return 0;
}

static int read_all(int fd, struct buf *into)
{
    while (into->len <= SECRET_FILE_MAX) {
        ssize_t n = read(fd, buf_reserve(into, 4096), 4096);
        if (n == 0)
            return 0;
        if (n > 0)
            into->len += (size_t)n;
        else if (errno != EINTR)
            return -errno;
    }
    return -EFBIG;
}

static int read_file(const char *path, struct buf *into)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int err = read_all(fd, into);
    close(fd);
    return err;
}

int token_key_load(struct token_key **out, const char *path, const char *issuer,
                   const char *audience)
{
    struct buf bytes = {0};
    int err = read_file(path, &bytes);
    if (err)
        goto fail;
    size_t len = bytes.len;
    if (len > 0 && bytes.data[len - 1] == '\n')
        len--;
    err = token_key_create(out, slice_make(bytes.data, len), issuer, audience);
fail:
    if (bytes.data)
        sodium_memzero(bytes.data, bytes.cap);
    buf_finish(&bytes);
    return err;
}

void token_key_destroy(struct token_key *key)
{
    if (!key)
        return;
    sodium_memzero(key->secret, key->secret_len);
    mem_free(key->secret);
    mem_free(key->issuer);
    mem_free(key->audience);
    mem_free(key);
}

bool token_key_same_secret(const struct token_key *a, const struct token_key *b)
{
    return a->secret_len == b->secret_len &&
           sodium_memcmp(a->secret, b->secret, a->secret_len) == 0;
}

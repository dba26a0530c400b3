#include "password_hash.h"

#include <sodium.h>
#include <stdint.h>
#include <string.h>

#define OPERATIONS crypto_pwhash_OPSLIMIT_INTERACTIVE
#define MEMORY crypto_pwhash_MEMLIMIT_INTERACTIVE

_Static_assert(crypto_pwhash_STRBYTES <= PASSWORD_HASH_SIZE, "a hash fits");

static char nobodys[PASSWORD_HASH_SIZE]; /* written once, before anybody reads it */

bool password_hash_make(char out[PASSWORD_HASH_SIZE], const char *password)
{
    memset(out, 0, PASSWORD_HASH_SIZE);
    return crypto_pwhash_str_alg(out, password, strlen(password), OPERATIONS, MEMORY,
                                 crypto_pwhash_ALG_ARGON2ID13) == 0;
}

bool password_hash_start(void)
{
    char password[33] = "";
    uint8_t bytes[16];
    if (sodium_init() < 0)
        return false;
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2hex(password, sizeof password, bytes, sizeof bytes);
    return password_hash_make(nobodys, password);
}

bool password_hash_fits(const char *hash, const char *password)
{
    bool fits = crypto_pwhash_str_verify(hash ? hash : nobodys, password, strlen(password)) == 0;
    return hash && fits;
}

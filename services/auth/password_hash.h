/* password_hash.h - Argon2id over passwords. Each takes some 64 MiB and tens of milliseconds: for
 * worker threads. Thread safe after password_hash_start(). */
#ifndef AUTH_PASSWORD_HASH_H
#define AUTH_PASSWORD_HASH_H

#include <stdbool.h>

#define PASSWORD_LEAST 8u
#define PASSWORD_SIZE 1025u /* with its terminator */
#define PASSWORD_HASH_SIZE 128u

/* False: no random numbers or no memory. Takes as long as one hash. */
bool password_hash_start(void);
bool password_hash_make(char out[PASSWORD_HASH_SIZE], const char *password);
/* `hash` NULL: false, after as long as it takes to compare with one. */
bool password_hash_fits(const char *hash, const char *password);

#endif

/* families.h - the logins of one account that can still be refreshed. Each is a family of refresh
 * tokens of which only the youngest is good: a use of an older one means that two have it, and
 * ends the family. Kept are digests of the secrets, not the secrets. Pure; not thread safe. */
#ifndef AUTH_FAMILIES_H
#define AUTH_FAMILIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAMILIES_MAX 16u /* of one account; of more, the one that was used longest ago ends */
#define FAMILY_ID_BYTES 16u
#define FAMILY_SECRET_BYTES 32u
#define FAMILY_DIGEST_BYTES 32u
#define TOKEN_ID_SIZE 33u /* a jti of ours in hexadecimal, terminated */

struct family {
    uint8_t id[FAMILY_ID_BYTES];
    uint8_t digest[FAMILY_DIGEST_BYTES]; /* of the good one's secret */
    char token_id[TOKEN_ID_SIZE];        /* of all access tokens that it was given */
    int64_t token_ends_s;                /* the last of them */
    int64_t until_s;                     /* no refresh from then on */
    int64_t used_s;
};

struct families {
    struct family list[FAMILIES_MAX];
    unsigned n;
};

enum family_verdict { FAMILY_GOOD, FAMILY_UNKNOWN, FAMILY_REUSED };

/* A place for a new one under that id, everything else zero; it stays where it is until the
 * families change again. Those that are over, with their tokens, go first. */
struct family *families_add(struct families *families, const uint8_t id[FAMILY_ID_BYTES],
                            int64_t now_s);
/* `*out` is the family unless it is unknown. */
enum family_verdict families_judge(struct families *families, const uint8_t id[FAMILY_ID_BYTES],
                                   const uint8_t secret[FAMILY_SECRET_BYTES], int64_t now_s,
                                   struct family **out);
/* NULL: none. */
struct family *families_by_id(struct families *families, const uint8_t id[FAMILY_ID_BYTES]);
struct family *families_by_token(struct families *families, const char *token_id);
void families_remove(struct families *families, struct family *family);

void family_digest(uint8_t out[FAMILY_DIGEST_BYTES], const uint8_t secret[FAMILY_SECRET_BYTES]);

#endif

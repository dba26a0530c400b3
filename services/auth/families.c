#include "families.h"

#include <sodium.h>
#include <string.h>

void families_remove(struct families *families, struct family *family)
{
    *family = families->list[--families->n];
}

static void drop_ended(struct families *families, int64_t now_s)
{
    for (unsigned i = families->n; i-- > 0;)
        if (families->list[i].until_s <= now_s && families->list[i].token_ends_s <= now_s)
            families_remove(families, &families->list[i]);
}

static void drop_oldest(struct families *families)
{
    struct family *oldest = &families->list[0];
    for (unsigned i = 1; i < families->n; i++)
        if (families->list[i].used_s < oldest->used_s)
            oldest = &families->list[i];
    families_remove(families, oldest);
}

struct family *families_add(struct families *families, const uint8_t id[FAMILY_ID_BYTES],
                            int64_t now_s)
{
    drop_ended(families, now_s);
    if (families->n == FAMILIES_MAX)
        drop_oldest(families);
    struct family *family = &families->list[families->n++];
    *family = (struct family){0};
    memcpy(family->id, id, FAMILY_ID_BYTES);
    return family;
}

struct family *families_by_id(struct families *families, const uint8_t id[FAMILY_ID_BYTES])
{
    for (unsigned i = 0; i < families->n; i++)
        if (memcmp(families->list[i].id, id, FAMILY_ID_BYTES) == 0)
            return &families->list[i];
    return NULL;
}

struct family *families_by_token(struct families *families, const char *token_id)
{
    for (unsigned i = 0; i < families->n; i++)
        if (strcmp(families->list[i].token_id, token_id) == 0)
            return &families->list[i];
    return NULL;
}

enum family_verdict families_judge(struct families *families, const uint8_t id[FAMILY_ID_BYTES],
                                   const uint8_t secret[FAMILY_SECRET_BYTES], int64_t now_s,
                                   struct family **out)
{
    uint8_t digest[FAMILY_DIGEST_BYTES];
    struct family *family = families_by_id(families, id);
    if (!family || family->until_s <= now_s)
        return FAMILY_UNKNOWN;
    family_digest(digest, secret);
    *out = family;
    return sodium_memcmp(digest, family->digest, sizeof digest) == 0 ? FAMILY_GOOD : FAMILY_REUSED;
}

void family_digest(uint8_t out[FAMILY_DIGEST_BYTES], const uint8_t secret[FAMILY_SECRET_BYTES])
{
    crypto_generichash(out, FAMILY_DIGEST_BYTES, secret, FAMILY_SECRET_BYTES, NULL, 0);
}

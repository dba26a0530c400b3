/* attempts.h - who has failed too often of late, by account or by address. After `limit` failures,
 * none further from the one before than `span_ms`, a key is barred for `span_ms`; failures while it
 * is barred count for nothing, so that nobody can keep it barred. Bounded: of more than `most` keys
 * the one that failed longest ago is forgotten. Pure; not thread safe. */
#ifndef AUTH_ATTEMPTS_H
#define AUTH_ATTEMPTS_H

#include "base/slice.h"

struct attempts;

struct attempts *attempts_create(uint32_t limit, uint64_t span_ms, size_t most);
void attempts_destroy(struct attempts *attempts); /* takes NULL */

/* For how many ms from now; 0: it is not. */
uint64_t attempts_barred_ms(struct attempts *attempts, struct slice key, uint64_t now_ms);
/* True if that was the one too many. Keys of up to 255 bytes. */
bool attempts_failed(struct attempts *attempts, struct slice key, uint64_t now_ms);
void attempts_forgive(struct attempts *attempts, struct slice key);
size_t attempts_known(const struct attempts *attempts);

#endif

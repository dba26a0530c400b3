/* keyed.h - how answers to calls with one idempotency key are told apart. */
#ifndef SIM_KEYED_H
#define SIM_KEYED_H

#include "books.h"

/* Of an answer to a call with a key, which was served so often: it tells them apart. */
#define KEYED_ANSWER_BYTES 64u
static inline size_t keyed_answer_length(const struct called *called, bool by_its_own)
{
    return called->length + KEYED_ANSWER_BYTES + 2 * (size_t)called->served + by_its_own;
}
static inline bool keyed_answer_by_its_own(const struct called *called, size_t length)
{
    return (length - called->length - KEYED_ANSWER_BYTES) % 2;
}

#endif

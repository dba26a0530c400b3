/* budget.h - how many calls may be tried a second time: a share of the recent calls and a few
 * more, so that a failing service does not get its own calls back several times over. Recent are
 * the current five seconds and the five before. Pure; not thread safe. */
#ifndef POLICY_BUDGET_H
#define POLICY_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#define BUDGET_PERCENT 20u
#define BUDGET_ALWAYS 32u /* however few calls there are */

/* Zeroed: nothing has happened. */
struct budget {
    uint64_t slice;
    uint64_t calls[2], retries[2]; /* of the current slice and of the one before */
};

void budget_call(struct budget *budget, uint64_t now);
/* True: one retry may be made, and is counted. */
bool budget_retry(struct budget *budget, uint64_t now);

#endif

#include "policy/budget.h"

#define SLICE_NS UINT64_C(5000000000)

static void move_to(struct budget *budget, uint64_t now)
{
    uint64_t slice = now / SLICE_NS;
    if (slice == budget->slice)
        return;
    bool next = slice == budget->slice + 1;
    budget->calls[1] = next ? budget->calls[0] : 0;
    budget->retries[1] = next ? budget->retries[0] : 0;
    budget->calls[0] = budget->retries[0] = 0;
    budget->slice = slice;
}

void budget_call(struct budget *budget, uint64_t now)
{
    move_to(budget, now);
    budget->calls[0]++;
}

bool budget_retry(struct budget *budget, uint64_t now)
{
    move_to(budget, now);
    uint64_t calls = budget->calls[0] + budget->calls[1];
    uint64_t retries = budget->retries[0] + budget->retries[1];
    if (retries >= BUDGET_ALWAYS + calls * BUDGET_PERCENT / 100)
        return false;
    budget->retries[0]++;
    return true;
}

#include "allowance.h"

#include "base/clock.h"
#include "base/mem.h"

#define MINUTE_NS (60 * NS_PER_SEC)

/* No call behind the i-th answer was sent before starts[i]. */
static uint64_t *find_starts(const struct let_through *calls, size_t n)
{
    uint64_t *starts = mem_zalloc((n + 1) * sizeof *starts);
    starts[n] = UINT64_MAX;
    for (size_t i = n; i-- > 0;)
        starts[i] = calls[i].sent < starts[i + 1] ? calls[i].sent : starts[i + 1];
    return starts;
}

/* From the i-th call to the j-th there are at most burst + rate * time. Of all i up to j the one is
 * kept that leaves the least room. In parts, MINUTE_NS of which are a call. */
static int64_t over_burst(const struct let_through *calls, const uint64_t *starts, size_t n,
                          int64_t per_minute, int64_t burst)
{
    int64_t worst = 0, tightest = INT64_MAX;
    for (size_t j = 0; j < n; j++) {
        int64_t began = (int64_t)(starts[j] - starts[0]) * per_minute;
        int64_t ended = (int64_t)(calls[j].answered - starts[0]) * per_minute;
        int64_t room = (int64_t)j * (int64_t)MINUTE_NS - began;
        tightest = room < tightest ? room : tightest;
        int64_t over = ((int64_t)j + 1 - burst) * (int64_t)MINUTE_NS - ended - tightest;
        worst = over > worst ? over : worst;
    }
    return worst;
}

static uint64_t over_minute(const struct let_through *calls, const uint64_t *starts, size_t n,
                            uint32_t per_minute)
{
    uint64_t most = 0;
    for (size_t i = 0, j = 0; j < n; j++) {
        while (i <= j && calls[j].answered - starts[i] >= MINUTE_NS)
            i++;
        most = j + 1 - i > most ? j + 1 - i : most;
    }
    return most > per_minute ? most - per_minute : 0;
}

uint64_t allowance_exceeded(const struct let_through *calls, size_t n, uint32_t per_minute,
                            uint32_t burst)
{
    uint64_t *starts = find_starts(calls, n);
    int64_t parts = over_burst(calls, starts, n, per_minute, burst);
    uint64_t of_burst = ((uint64_t)parts + MINUTE_NS - 1) / MINUTE_NS;
    uint64_t of_minute = over_minute(calls, starts, n, per_minute);
    mem_free(starts);
    return of_burst > of_minute ? of_burst : of_minute;
}

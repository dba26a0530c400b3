#include "sight.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const texts[SIGHTS] = {
#define SIGHT(name, text) [SIGHT_##name] = (text),
#include "sights.def"
#undef SIGHT
};

void sights_add(struct sights *sum, const struct sights *more)
{
    for (unsigned i = 0; i < SIGHTS; i++)
        sum->seen[i] += more->seen[i];
}

bool sights_complete(const struct sights *sights)
{
    bool complete = true;
    for (unsigned i = 0; i < SIGHTS; i++) {
        if (sights->seen[i] > 0)
            continue;
        printf("never seen: %s\n", texts[i]);
        complete = false;
    }
    return complete;
}

void sights_print(const struct sights *sights)
{
    for (unsigned i = 0; i < SIGHTS; i++)
        printf("%10" PRIu64 "  %s\n", sights->seen[i], texts[i]);
}

/* sight.h - counts of what the runs have come across: that the simulator still reaches
 * the corners it was built for. */
#ifndef SIM_SIGHT_H
#define SIM_SIGHT_H

#include <stdbool.h>
#include <stdint.h>

enum sight {
#define SIGHT(name, text) SIGHT_##name,
#include "sights.def"
#undef SIGHT
    SIGHTS
};

struct sights {
    uint64_t seen[SIGHTS];
};

#define SAW(world, name) ((void)(world)->sights.seen[SIGHT_##name]++)
#define SAW_IF(condition, world, name) ((world)->sights.seen[SIGHT_##name] += (condition) ? 1 : 0)

void sights_add(struct sights *sum, const struct sights *more);
/* False: something was never seen; says what. */
bool sights_complete(const struct sights *sights);
void sights_print(const struct sights *sights);

#endif

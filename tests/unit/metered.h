/* metered.h - what the books on the stage say was used. */
#ifndef TESTS_METERED_H
#define TESTS_METERED_H

#include "core/meter.h"
#include "core_stage.h"

struct metered {
    const char *user, *method;
    struct usage usage;
    unsigned rows;
    char hour[16]; /* of the last row */
};

/* NULL: any. */
struct metered metered(struct stage *stage, const char *user, const char *method);

#endif

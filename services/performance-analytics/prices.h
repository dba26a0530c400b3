/* prices.h - a price history as data-bridge sends it, taken apart. */
#ifndef PERFORMANCE_ANALYTICS_PRICES_H
#define PERFORMANCE_ANALYTICS_PRICES_H

#include "farebox.h"
#include "performance.h"

struct history {
    struct prices prices; /* points into what follows */
    int32_t *days;
    double *closes;
    char symbol[64], interval[16];
};

/* 0, or -EBADMSG if it is not a history with dates and closes. Finish in either case. */
int history_read(struct history *history, fbx_bytes payload);
void history_finish(struct history *history);

#endif

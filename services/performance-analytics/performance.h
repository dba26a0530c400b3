/* performance.h - figures about a series of prices. Pure; the formulas and where
 * they come from are in docs/services.md. */
#ifndef PERFORMANCE_ANALYTICS_PERFORMANCE_H
#define PERFORMANCE_ANALYTICS_PERFORMANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Prices above zero on strictly ascending days (since 1970-01-01); borrowed. */
struct prices {
    const int32_t *days;
    const double *closes;
    size_t count;
    double periods_a_year; /* 252 for trading days, 12 for months */
};

struct drawdown {
    double depth; /* 0.25: a quarter was lost; 0: prices never fell, and the days mean nothing */
    int32_t peak, trough;
    bool recovered;   /* a later close reached the peak's again: */
    int32_t recovery; /* the first such day */
};

/* Returns are fractions: 0.07 is 7 %. NAN where a figure is not defined. */
struct performance {
    double total_return;
    double annualised_return;     /* compounded over calendar time */
    double annualised_volatility; /* needs two returns */
    double sharpe_ratio;          /* needs a volatility above zero */
    struct drawdown max_drawdown; /* the deepest; the earliest of equally deep ones */
};

/* At least two prices. `risk_free_rate` is a fraction a year. */
void performance_measure(struct performance *out, const struct prices *prices,
                         double risk_free_rate);

#endif

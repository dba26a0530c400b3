#include "performance.h"

#include <math.h>

#define DAYS_A_YEAR 365.25

static double simple_return(const struct prices *prices, size_t i)
{
    return prices->closes[i] / prices->closes[i - 1] - 1;
}

static double mean_return(const struct prices *prices)
{
    double sum = 0;
    for (size_t i = 1; i < prices->count; i++)
        sum += simple_return(prices, i);
    return sum / (double)(prices->count - 1);
}

/* In two passes: the sum of squares less the square of the sum cancels badly. */
static double sample_deviation(const struct prices *prices, double mean)
{
    double squares = 0;
    for (size_t i = 1; i < prices->count; i++) {
        double off = simple_return(prices, i) - mean;
        squares += off * off;
    }
    return sqrt(squares / (double)(prices->count - 2));
}

static void measure_risk(struct performance *out, const struct prices *prices,
                         double risk_free_rate)
{
    out->annualised_volatility = out->sharpe_ratio = NAN;
    if (prices->count < 3)
        return;
    double mean = mean_return(prices);
    double deviation = sample_deviation(prices, mean);
    double scale = sqrt(prices->periods_a_year);
    out->annualised_volatility = deviation * scale;
    if (deviation > 0)
        out->sharpe_ratio = (mean - risk_free_rate / prices->periods_a_year) / deviation * scale;
}

static void measure_return(struct performance *out, const struct prices *prices)
{
    size_t last = prices->count - 1;
    double growth = prices->closes[last] / prices->closes[0];
    double days = (double)prices->days[last] - prices->days[0];
    double annualised = pow(growth, DAYS_A_YEAR / days) - 1;
    out->total_return = growth - 1;
    out->annualised_return = isfinite(annualised) ? annualised : NAN;
}

static void find_recovery(struct drawdown *out, const struct prices *prices, size_t peak,
                          size_t trough)
{
    for (size_t i = trough + 1; i < prices->count && !out->recovered; i++)
        if (prices->closes[i] >= prices->closes[peak]) {
            out->recovered = true;
            out->recovery = prices->days[i];
        }
}

static void measure_drawdown(struct drawdown *out, const struct prices *prices)
{
    size_t high = 0, peak = 0, trough = 0;
    double depth = 0;
    for (size_t i = 1; i < prices->count; i++) {
        double fallen = 1 - prices->closes[i] / prices->closes[high];
        if (prices->closes[i] > prices->closes[high])
            high = i;
        if (fallen > depth) {
            depth = fallen;
            peak = high;
            trough = i;
        }
    }
    *out = (struct drawdown){
        .depth = depth, .peak = prices->days[peak], .trough = prices->days[trough]};
    if (depth > 0)
        find_recovery(out, prices, peak, trough);
}

void performance_measure(struct performance *out, const struct prices *prices,
                         double risk_free_rate)
{
    measure_return(out, prices);
    measure_risk(out, prices, risk_free_rate);
    measure_drawdown(&out->max_drawdown, prices);
}

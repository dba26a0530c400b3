#include "files.h"

#include "base/file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#define FILE_BYTES_MAX ((size_t)64 << 20)

typedef int (*reader)(struct market *market, struct slice text, struct bars_error *why);

static int load_file(struct market *market, const char *folder, const char *file, reader read_text,
                     struct bars_error *why)
{
    char path[PATH_MAX];
    struct buf text = {0};
    struct bars_error what;
    int length = snprintf(path, sizeof path, "%s/%s", folder, file);
    int rc = (size_t)length < sizeof path ? file_read(&text, path, FILE_BYTES_MAX) : -ENAMETOOLONG;
    if (rc < 0)
        (void)snprintf(what.text, sizeof what.text, "%s", strerror(-rc));
    else
        rc = read_text(market, buf_slice(&text), &what);
    if (rc < 0)
        (void)snprintf(why->text, sizeof why->text, "%s/%s: %.160s", folder, file, what.text);
    buf_finish(&text);
    return rc;
}

static int read_sp500(struct market *market, struct slice text, struct bars_error *why)
{
    return market_read_daily(market, "sp500", text, why);
}

static void name_series(struct market *market)
{
    static const struct {
        const char *symbol, *name;
    } known[] = {{"sp500", "S&P 500 index"}, {"aapl", "Apple"}, {"amzn", "Amazon"},
                 {"goog", "Google"},         {"ibm", "IBM"},    {"msft", "Microsoft"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct series *series = market_find(market, slice_of(known[i].symbol));
        if (series)
            series->name = known[i].name;
    }
}

int market_load(struct market *market, const char *folder, struct bars_error *why)
{
    int rc = load_file(market, folder, "sp500-2000.csv", read_sp500, why);
    if (rc == 0)
        rc = load_file(market, folder, "stocks.csv", market_read_monthly, why);
    name_series(market);
    return rc;
}

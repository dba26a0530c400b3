#include "files.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#define FILE_BYTES_MAX ((size_t)64 << 20)

static int read_to_end(int fd, struct buf *out)
{
    for (;;) {
        ssize_t n = read(fd, buf_reserve(out, 65536), 65536);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        out->len += (size_t)n;
        if (out->len > FILE_BYTES_MAX)
            return -EFBIG;
    }
}

static int read_file(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int rc = read_to_end(fd, out);
    close(fd);
    return rc;
}

typedef int (*reader)(struct market *market, struct slice text, struct bars_error *why);

static int load_file(struct market *market, const char *folder, const char *file, reader read_text,
                     struct bars_error *why)
{
    char path[PATH_MAX];
    struct buf text = {0};
    struct bars_error what;
    int length = snprintf(path, sizeof path, "%s/%s", folder, file);
    int rc = (size_t)length < sizeof path ? read_file(path, &text) : -ENAMETOOLONG;
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

#include "metered.h"

#include "../testing.h"

static int add_row(void *arg, struct slice key, struct slice row)
{
    struct metered *sum = arg;
    struct usage_key parts;
    struct usage usage;
    assert_true(usage_read_key(&parts, key));
    assert_true(usage_read_row(&usage, row));
    if ((sum->user && !slice_is(parts.user, sum->user)) ||
        (sum->method && !slice_is(parts.method, sum->method)))
        return 0;
    usage_add(&sum->usage, &usage);
    snprintf(sum->hour, sizeof sum->hour, "%.*s", SLICE_FMT(parts.time));
    sum->rows++;
    return 0;
}

struct metered metered(struct stage *stage, const char *user, const char *method)
{
    struct metered sum = {.user = user, .method = method};
    const struct io *io = &stage->options.io;
    assert_int_equal(io->scan(io->arg, USAGE_TABLE, add_row, &sum), 0);
    return sum;
}

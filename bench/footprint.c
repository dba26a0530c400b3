#include "bus.h"
#include "cases.h"

#include "base/clock.h"
#include "base/mem.h"
#include "measure/fail.h"
#include "measure/resident.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define STARTS 5
#define SETTLE_US 300000

static const unsigned steps[] = {1000, 5000};
#define STEPS (sizeof steps / sizeof steps[0])

/* A call to the broker itself, answered. */
static void first_call(const struct bus *bus, const struct bench_options *options)
{
    unsigned char nothing[] = {0x80}; /* an empty map */
    fbx_reply *reply = NULL;
    fbx_bus *session = bus_connect(bus, "bench", options);
    int error = fbx_call(session, "bus.registry", "list", (fbx_bytes){nothing, sizeof nothing},
                         NULL, &reply);
    if (error || fbx_reply_status(reply) != FBX_OK)
        fail_with("bus.registry list: %s",
                  error ? fbx_error_text(error) : fbx_status_text(fbx_reply_status(reply)));
    fbx_reply_free(reply);
    fbx_close(session);
}

static int ascending(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double median_start_ms(struct bench_options *options)
{
    double ms[STARTS];
    for (int i = 0; i < STARTS; i++) {
        struct bus bus;
        bus_open(&bus, options);
        first_call(&bus, options);
        ms[i] = (double)(clock_mono_ns() - bus.exec_ns) / 1e6;
        bus_close(&bus);
    }
    qsort(ms, STARTS, sizeof ms[0], ascending);
    return ms[STARTS / 2];
}

static unsigned answering(fbx_bus *const *sessions, unsigned n)
{
    unsigned alive = 0;
    for (unsigned i = 0; i < n; i++)
        alive += fbx_ping(sessions[i], 5000) == 0;
    return alive;
}

int case_footprint(struct bench_options *options)
{
    struct bus bus;
    unsigned most = steps[STEPS - 1], open = 0, kib[STEPS];
    fbx_bus **sessions = mem_zalloc(most * sizeof(fbx_bus *));
    double start_ms = median_start_ms(options);
    bus_open(&bus, options);
    usleep(SETTLE_US);
    unsigned idle = resident_kib(bus.broker);
    for (size_t step = 0; step < STEPS; step++) {
        for (; open < steps[step]; open++)
            sessions[open] = bus_connect(&bus, "bench-idle", options);
        usleep(SETTLE_US);
        kib[step] = resident_kib(bus.broker);
    }
    unsigned held = answering(sessions, open);
    printf("peer=farebox case=footprint first_call_ms=%.1f idle_kib=%u", start_ms, idle);
    for (size_t step = 0; step < STEPS; step++)
        printf(" sessions%u_kib=%u per_session%u_kib=%.1f", steps[step], kib[step], steps[step],
               (double)(kib[step] - idle) / steps[step]);
    printf(" held=%u\n", held);
    while (open > 0)
        fbx_close(sessions[--open]);
    bus_close(&bus);
    mem_free(sessions);
    return held == most ? EX_OK : EX_UNAVAILABLE;
}

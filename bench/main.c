#include "base/mem.h"
#include "cases.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

struct bench_case {
    const char *name;
    int (*run)(struct bench_options *options);
    unsigned window; /* unless told */
    unsigned accepted;
    const char *usage;
};

static const struct bench_case cases[] = {
    {"rr", case_rr, 1, OPTIONS_LOAD | OPTIONS_BUS,
     "rr [options]\nRequests and replies a second, with so many always in flight.\n"},
    {"pubsub", case_pubsub, 65536, OPTIONS_LOAD | OPTIONS_FANOUT | OPTIONS_BUS,
     "pubsub [options]\nEvents delivered a second, from one publisher to some subscribers.\n"},
    {"footprint", case_footprint, 1, 0,
     "footprint\nMemory of an idle broker and of idle sessions; time to the first call.\n"},
    {"noisy", case_noisy, 1, OPTIONS_LOAD,
     "noisy [options]\nA tenant's p99 beside one that calls at a hundred times its limit.\n"},
    {"stopped", case_stopped, 1, OPTIONS_LOAD,
     "stopped [options]\nA tenant's p99 beside one whose service is stopped.\n"},
    {"instance", case_instance, 1, OPTIONS_LOAD,
     "instance [options]\nA caller's p99, and what it loses, with one instance of three "
     "stopped.\n"},
    {"scale", case_scale, 1, OPTIONS_LOAD,
     "scale [options]\nWhat 100,000 users cost, of 10 tenants and of 1,000.\n"},
};

static int usage(FILE *to, int code)
{
    fputs("usage: farebox-bench rr|pubsub|footprint|noisy|stopped|instance|scale [options]\n"
          "       farebox-bench rr|pubsub|footprint|noisy|stopped|instance|scale --help\n"
          "Measures the bus and prints one line of key=value fields.\n",
          to);
    return code;
}

/* Thousands of sessions are thousands of descriptors, here and in the broker. */
static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    mem_keep_bursts();
    if (argc < 2)
        return usage(stderr, EX_USAGE);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return usage(stdout, EX_OK);
    if (strcmp(argv[1], "--version") == 0) {
        puts("farebox-bench " FAREBOX_VERSION);
        return EX_OK;
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench_options options;
        if (strcmp(argv[1], cases[i].name) != 0)
            continue;
        options_init(&options);
        options.window = cases[i].window;
        options_parse(&options, argc - 1, argv + 1, cases[i].accepted, cases[i].usage);
        raise_descriptors();
        return cases[i].run(&options);
    }
    return usage(stderr, EX_USAGE);
}

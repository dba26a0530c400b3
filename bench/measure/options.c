#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

enum kind { TEXT, COUNT, SECONDS, PID };

struct spec {
    const char *name;
    unsigned group;
    enum kind kind;
    size_t offset;
    double min, max;
    const char *doc;
};

#define AT(field) offsetof(struct bench_options, field)

static const struct spec specs[] = {
    {"size", OPTIONS_LOAD, COUNT, AT(size), OPTIONS_SIZE_MIN, 1 << 20, "bytes of a body (128)"},
    {"window", OPTIONS_LOAD, COUNT, AT(window), 1, 1 << 20,
     "rr: requests in flight on each session (1); pubsub: messages the slowest\n"
     "                     subscriber may be behind (65536)"},
    {"sessions", OPTIONS_LOAD, COUNT, AT(sessions), 1, OPTIONS_SESSIONS_MAX,
     "sessions that call (1)"},
    {"subs", OPTIONS_FANOUT, COUNT, AT(subs), 1, OPTIONS_SUBS_MAX, "subscribers (1)"},
    {"seconds", OPTIONS_LOAD, SECONDS, AT(seconds), 0.1, 60, "measured time (2)"},
    {"warm", OPTIONS_LOAD, SECONDS, AT(warm), 0, 60, "time under load before it (0.5)"},
    {"broker-pid", OPTIONS_LOAD, PID, AT(broker_pid), 1, 1 << 30,
     "process whose CPU time is the broker's"},
    {"label", OPTIONS_LOAD, TEXT, AT(label), 0, 0, "name in the report"},
    {"url", OPTIONS_LOAD, TEXT, AT(url), 0, 0, "the broker; without it one is started"},
    {"transport", OPTIONS_BUS, TEXT, AT(transport), 0, 0,
     "of the broker that is started: ipc or tcp (ipc)"},
    {"token-file", OPTIONS_BUS, TEXT, AT(token_file), 0, 0, "token for --url"},
    {"service", OPTIONS_BUS, TEXT, AT(service), 0, 0,
     "rr: a running service to call instead of an own echo"},
    {"method", OPTIONS_BUS, TEXT, AT(method), 0, 0, "rr: its method (echo)"},
    {"mode", OPTIONS_PEER, TEXT, AT(mode), 0, 0, "variant of the client"},
    {"user", OPTIONS_PEER, TEXT, AT(user), 0, 0, "log in as"},
    {"password", OPTIONS_PEER, TEXT, AT(password), 0, 0, "its password"},
    {"service-user", OPTIONS_PEER, TEXT, AT(service_user), 0, 0,
     "the service logs in as (name and password), if other"},
};

#define SPECS (sizeof specs / sizeof specs[0])

void options_init(struct bench_options *options)
{
    *options = (struct bench_options){.transport = "ipc",
                                      .method = "echo",
                                      .mode = "",
                                      .size = 128,
                                      .window = 1,
                                      .sessions = 1,
                                      .subs = 1,
                                      .seconds = 2,
                                      .warm = 0.5};
}

static _Noreturn void help(unsigned accepted, const char *usage)
{
    printf("usage: %s %s\n", program_invocation_short_name, usage);
    for (size_t i = 0; i < SPECS; i++)
        if (specs[i].group & accepted)
            printf("  --%-12s %s %s\n", specs[i].name, specs[i].kind == TEXT ? "TEXT" : "N   ",
                   specs[i].doc);
    exit(EX_OK);
}

static _Noreturn void refuse(const char *name, const char *value)
{
    fprintf(stderr, "%s: --%s %s is not possible\n", program_invocation_short_name, name, value);
    exit(EX_USAGE);
}

static double number(const struct spec *spec, const char *text)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (errno || end == text || *end || !(value >= spec->min && value <= spec->max))
        refuse(spec->name, text);
    return value;
}

static void assign(struct bench_options *options, const struct spec *spec, const char *text)
{
    void *field = (char *)options + spec->offset;
    switch (spec->kind) {
    case TEXT:
        *(const char **)field = text;
        break;
    case COUNT:
        *(unsigned *)field = (unsigned)number(spec, text);
        break;
    case SECONDS:
        *(double *)field = number(spec, text);
        break;
    case PID:
        *(pid_t *)field = (pid_t)number(spec, text);
        break;
    }
}

void options_parse(struct bench_options *options, int argc, char **argv, unsigned accepted,
                   const char *usage)
{
    struct option longs[SPECS + 2] = {{"help", no_argument, NULL, 'h'}};
    size_t n = 1;
    for (size_t i = 0; i < SPECS; i++)
        if (specs[i].group & accepted)
            longs[n++] = (struct option){specs[i].name, required_argument, NULL, 256 + (int)i};
    for (int found; (found = getopt_long(argc, argv, "h", longs, NULL)) != -1;) {
        if (found == 'h')
            help(accepted, usage);
        if (found == '?')
            exit(EX_USAGE);
        assign(options, &specs[found - 256], optarg);
    }
    if (optind < argc) {
        fprintf(stderr, "%s: what is \"%s\"?\n", program_invocation_short_name, argv[optind]);
        exit(EX_USAGE);
    }
}

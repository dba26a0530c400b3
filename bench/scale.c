/* scale.c - many tenants: what a broker with 100,000 users and 200 services holds in memory, and
 * whether a call costs more when they are spread over 1,000 tenants than over 10. The load is what
 * a gateway makes: one session, and with each call the token of whoever it is made for. */
#include "broker.h"
#include "bus.h"
#include "cases.h"

#include "base/clock.h"
#include "base/mem.h"
#include "measure/child.h"
#include "measure/fail.h"
#include "measure/meter.h"
#include "measure/resident.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#define USERS 100000u
#define SERVICES 200u
#define FEW_TENANTS 10u
#define MANY_TENANTS 1000u
#define RUNS 4u /* few, many, many, few: what drifts meets both */
#define IN_FLIGHT 64u
#define FIRST_CALLS_MS 60000u
#define LAST_REPLIES_MS 2000u
#define NAME_BYTES 32u

struct scale {
    struct bench_options *options;
    struct bus bus;
    unsigned tenants;
    char **tokens; /* of user i */
    char (*services)[NAME_BYTES];
    void *body;
    fbx_bus *session;
    _Atomic unsigned first; /* users who have called once */
    _Atomic bool over;
    _Atomic unsigned in_flight, errors;
    _Atomic uint64_t answered, chance;
};

struct result {
    double cpu_us, rate;
    unsigned rss_kib, errors;
};

/* ---- what there is ---- */

static void serve(int fd, void *arg)
{
    const struct scale *scale = arg;
    fbx_bus *bus = bus_connect(&scale->bus, "bench-services", scale->options);
    for (unsigned i = 0; i < SERVICES; i++) {
        bus_serve_echo(bus, scale->services[i], 0);
    }
    child_ready(fd);
    child_wait_parent(fd);
}

static void name_tenant(const struct scale *scale, unsigned user, char name[NAME_BYTES])
{
    snprintf(name, NAME_BYTES, "tenant-%u", user % scale->tenants);
}

static void record_tenant(const struct scale *scale, const char *tenant)
{
    fbx_writer w = {0};
    fbx_reply *reply = NULL;
    fbx_write_map(&w, 2);
    fbx_write_text(&w, "tenant");
    fbx_write_text(&w, tenant);
    fbx_write_text(&w, "tier");
    fbx_write_text(&w, "bench");
    int error = fbx_call(scale->session, "bus.tenants", "create", fbx_written(&w), NULL, &reply);
    if (error || fbx_reply_status(reply) != FBX_OK)
        fail_with("bus.tenants create: %s",
                  error ? fbx_error_text(error) : fbx_reply_message(reply));
    fbx_reply_free(reply);
    fbx_writer_free(&w);
}

static void make_everybody(struct scale *scale)
{
    for (unsigned i = 0; i < USERS; i++) {
        char tenant[NAME_BYTES], user[NAME_BYTES];
        name_tenant(scale, i, tenant);
        if (i < scale->tenants)
            record_tenant(scale, tenant);
        snprintf(user, sizeof user, "user-%u", i);
        scale->tokens[i] = broker_token(tenant, user, "bench");
    }
}

/* ---- the load ---- */

/* Everybody once, then anybody. */
static unsigned next_user(struct scale *scale)
{
    if (atomic_load(&scale->first) < USERS) {
        unsigned user = atomic_fetch_add(&scale->first, 1);
        if (user < USERS)
            return user;
    }
    uint64_t chance = atomic_fetch_add(&scale->chance, UINT64_C(0x9e3779b97f4a7c15));
    chance = (chance ^ chance >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    return (unsigned)((chance ^ chance >> 31) % USERS);
}

static void on_reply(void *arg, const fbx_reply *reply);

/* Everybody keeps to one service. */
static void ask(struct scale *scale)
{
    unsigned user = next_user(scale);
    const fbx_call_options options = {.token = scale->tokens[user]};
    if (fbx_call_async(scale->session, scale->services[user % SERVICES], "echo",
                       (fbx_bytes){scale->body, scale->options->size}, &options, on_reply, scale,
                       NULL) == 0)
        return;
    atomic_fetch_add(&scale->errors, 1);
    atomic_fetch_sub(&scale->in_flight, 1);
}

static void on_reply(void *arg, const fbx_reply *reply)
{
    struct scale *scale = arg;
    if (fbx_reply_status(reply) == FBX_OK)
        atomic_fetch_add(&scale->answered, 1);
    else if (atomic_fetch_add(&scale->errors, 1) == 0)
        fprintf(stderr, "farebox-bench: a call failed: %s: %s\n",
                fbx_status_text(fbx_reply_status(reply)), fbx_reply_message(reply));
    if (atomic_load(&scale->over))
        atomic_fetch_sub(&scale->in_flight, 1);
    else
        ask(scale);
}

static void wait_until_everybody_called(struct scale *scale)
{
    for (unsigned ms = 0; atomic_load(&scale->answered) < USERS; ms++) {
        if (ms == FIRST_CALLS_MS)
            fail_with("the first calls took too long");
        usleep(1000);
    }
}

static void drive(struct scale *scale, struct result *out)
{
    struct meter meter;
    atomic_store(&scale->in_flight, IN_FLIGHT);
    for (unsigned i = 0; i < IN_FLIGHT; i++)
        ask(scale);
    wait_until_everybody_called(scale);
    meter_begin(&meter, scale->options, 0);
    meter_sleep_until(meter.start);
    uint64_t before = atomic_load(&scale->answered);
    meter_read_cpu(&meter);
    meter_sleep_until(meter.end);
    meter_read_cpu(&meter);
    double calls = (double)(atomic_load(&scale->answered) - before);
    out->rss_kib = resident_kib(scale->bus.broker);
    out->rate = calls / scale->options->seconds;
    out->cpu_us =
        (double)(meter.cpu_ns[METER_BROKER][1] - meter.cpu_ns[METER_BROKER][0]) / 1e3 / calls;
    atomic_store(&scale->over, true);
    for (unsigned ms = 0; ms < LAST_REPLIES_MS && atomic_load(&scale->in_flight) > 0; ms++)
        usleep(1000);
    out->errors = atomic_load(&scale->errors) + atomic_load(&scale->in_flight);
}

/* ---- the runs ---- */

static struct result run(struct bench_options *options, unsigned tenants)
{
    struct scale scale = {.options = options, .tenants = tenants, .body = bus_body(options->size)};
    struct result result = {0};
    scale.tokens = mem_zalloc(USERS * sizeof *scale.tokens);
    scale.services = mem_zalloc(SERVICES * sizeof *scale.services);
    for (unsigned i = 0; i < SERVICES; i++)
        snprintf(scale.services[i], NAME_BYTES, "bench-%u", i);
    bus_open(&scale.bus, options);
    struct child service = child_start(serve, &scale);
    child_wait_ready(&service);
    scale.session = bus_connect(&scale.bus, "bench", options);
    make_everybody(&scale);
    drive(&scale, &result);
    fbx_close(scale.session);
    child_stop(&service);
    bus_close(&scale.bus);
    for (unsigned i = 0; i < USERS; i++)
        mem_free(scale.tokens[i]);
    mem_free(scale.tokens);
    mem_free(scale.services);
    mem_free(scale.body);
    return result;
}

struct errand {
    struct bench_options *options;
    unsigned tenants;
    struct result *result; /* shared */
};

static void run_errand(int fd, void *arg)
{
    const struct errand *errand = arg;
    *errand->result = run(errand->options, errand->tenants);
    child_ready(fd);
    child_wait_parent(fd);
}

/* A process that has used the bus cannot fork services: each run has one of its own. */
static struct result run_apart(struct bench_options *options, unsigned tenants)
{
    struct result *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        fail_with("no memory to share");
    struct errand errand = {options, tenants, shared};
    struct child child = child_start(run_errand, &errand);
    child_wait_ready(&child);
    child_stop(&child);
    struct result result = *shared;
    munmap(shared, sizeof *shared);
    return result;
}

int case_scale(struct bench_options *options)
{
    struct result few = {0}, many = {0};
    for (unsigned i = 0; i < RUNS; i++) {
        bool spread = i == 1 || i == 2;
        struct result *sum = spread ? &many : &few;
        struct result one = run_apart(options, spread ? MANY_TENANTS : FEW_TENANTS);
        sum->cpu_us += 2 * one.cpu_us / RUNS;
        sum->rate += 2 * one.rate / RUNS;
        sum->errors += one.errors;
        sum->rss_kib = one.rss_kib;
    }
    printf("peer=farebox case=scale users=%u services=%u tenants=%u rss_kib=%u rate10=%.0f "
           "rate1000=%.0f cost10_us=%.2f cost1000_us=%.2f cost_ratio=%.3f errors=%u\n",
           USERS, SERVICES, MANY_TENANTS, many.rss_kib, few.rate, many.rate, few.cpu_us,
           many.cpu_us, many.cpu_us / few.cpu_us, few.errors + many.errors);
    fflush(stdout);
    return many.rate > 0 ? EX_OK : EX_UNAVAILABLE;
}

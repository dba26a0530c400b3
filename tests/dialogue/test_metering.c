/* Everybody is killed, again and again, and the usage is what was used. FAREBOX_CYCLES says how
 * often (make soak). */
#include "crew.h"

#include "../testing.h"
#include "base/slice.h"
#include "store/store.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CYCLES 5u
#define WORK 40u /* replies each client receives at least in a cycle; up to twice as many */

static const char *const crash[] = {"--grace-ms", "300", "--heartbeat-ms", "200", NULL};
static const char *const power[] = {"--grace-ms", "300", "--heartbeat-ms", "200", "--durability",
                                    "power",      NULL};

struct run {
    struct place *place;
    struct crew *crew;
    struct rng rng;
    const char *const *flags;
    unsigned cycles, failed_starts;
};

/* ---- what the books say ---- */

#define ROW_BYTES 57u
#define ROW_CALLS 17u
#define ROW_ERRORS 25u

struct booked {
    uint64_t calls[CREW_CLIENTS]; /* that were ok */
};

static uint64_t number_at(struct slice row, size_t at)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++)
        value |= (uint64_t)row.data[at + i] << (8 * i);
    return value;
}

static int add_row(void *arg, struct slice key, struct slice row)
{
    struct booked *booked = arg;
    char name[16];
    assert_int_equal(row.len, ROW_BYTES);
    for (unsigned i = 0; i < CREW_CLIENTS; i++) {
        crew_name(i, name);
        if (memmem(key.data, key.len, name, strlen(name)))
            booked->calls[i] += number_at(row, ROW_CALLS) - number_at(row, ROW_ERRORS);
    }
    return 0;
}

static struct booked read_books(const struct place *place)
{
    char dir[PLACE_PATH + 16];
    struct booked booked = {0};
    struct store *store;
    const struct store_options options = {.dir = dir, .schema = 1};
    snprintf(dir, sizeof dir, "%s/store", place->data);
    assert_int_equal(store_open(&store, &options, NULL), 0);
    assert_int_equal(store_scan(store, "usage", add_row, &booked), 0);
    store_close(store);
    return booked;
}

/* ---- killing ---- */

/* What was not synced is gone, as if the system had failed. */
static void lose_the_ledger(const struct place *place)
{
    static const char *const names[] = {"ledger.mdb", "ledger.system"};
    char path[PLACE_PATH + 32];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/store/%s", place->data, names[i]);
        assert_int_equal(unlink(path), 0);
    }
}

static void kill_and_start(struct run *run)
{
    assert_int_equal(place_stop_broker(run->place, SIGKILL), 128 + SIGKILL);
    if (run->flags == power)
        lose_the_ledger(run->place);
    while (!place_try_broker(run->place, run->flags))
        assert_true(++run->failed_starts < CYCLES);
}

static void cycle(struct run *run, unsigned number)
{
    crew_work(run->crew, WORK + rng_below(&run->rng, WORK));
    if (number % 3 == 1)
        crew_replace_server(run->crew);
    if (number % 3 == 2)
        crew_replace_client(run->crew, 1 + number % (CREW_CLIENTS - 1));
    crew_pause(run->crew);
    kill_and_start(run);
    crew_resume(run->crew);
}

/* ---- comparing ---- */

struct verdict {
    uint64_t received, metered, unmetered, twice;
};

static uint64_t over(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* Client 0 never had anything in flight when the broker was killed: its count is exact. A reply to
 * the others may have been lost with the broker or with themselves, and is counted. */
static struct verdict compare(struct crew_tally *tallies, const struct booked *booked)
{
    struct verdict verdict = {0};
    for (unsigned i = 0; i < CREW_CLIENTS; i++) {
        uint64_t received = tallies[i].received;
        uint64_t most = i == 0 ? received : (uint64_t)tallies[i].served;
        verdict.received += received;
        verdict.metered += booked->calls[i];
        verdict.unmetered += over(received, booked->calls[i]);
        verdict.twice += over(booked->calls[i], most);
    }
    return verdict;
}

static unsigned cycles_wanted(void)
{
    const char *text = getenv("FAREBOX_CYCLES");
    unsigned long wanted = text ? strtoul(text, NULL, 10) : 0;
    return wanted > 0 ? (unsigned)wanted : CYCLES;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void judge(const struct run *run, double took)
{
    const struct booked booked = read_books(run->place);
    const struct verdict verdict = compare(run->crew->tallies, &booked);
    print_message("durability=%s cycles=%u received=%" PRIu64 " metered=%" PRIu64
                  " unmetered=%" PRIu64 " twice=%" PRIu64 " failed_starts=%u ms_per_cycle=%.0f\n",
                  run->flags == power ? "power" : "crash", run->cycles, verdict.received,
                  verdict.metered, verdict.unmetered, verdict.twice, run->failed_starts,
                  took * 1e3 / run->cycles);
    assert_true(verdict.received >= (uint64_t)run->cycles * WORK * CREW_CLIENTS);
    assert_int_equal(verdict.unmetered, 0);
    assert_int_equal(verdict.twice, 0);
    assert_int_equal(run->failed_starts, 0);
}

static void everybody_is_killed(const char *const *flags)
{
    struct run run = {
        .place = place_create(), .rng = {.state = 1}, .flags = flags, .cycles = cycles_wanted()};
    place_start_broker(run.place, flags);
    run.crew = crew_create(run.place);
    double begin = seconds();
    for (unsigned i = 0; i < run.cycles; i++)
        cycle(&run, i);
    double took = seconds() - begin;
    crew_work(run.crew, WORK);
    crew_pause(run.crew);
    crew_stop(run.crew); /* the others in the middle of it */
    assert_int_equal(place_stop_broker(run.place, SIGTERM), 0);
    judge(&run, took);
    crew_destroy(run.crew);
    place_destroy(run.place);
}

static void what_was_received_is_metered_once_whoever_dies(void **state)
{
    (void)state;
    everybody_is_killed(crash);
}

static void it_outlives_the_ledger_where_that_is_asked_for(void **state)
{
    (void)state;
    everybody_is_killed(power);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_received_is_metered_once_whoever_dies),
        cmocka_unit_test(it_outlives_the_ledger_where_that_is_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

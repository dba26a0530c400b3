#include "../testing.h"

#include "base/clock.h"
#include "base/hist.h"
#include "base/log.h"
#include "base/mem.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Standard error goes to a file while a test logs. */
struct capture {
    FILE *file;
    int saved;
    char text[65536];
};

static void capture_begin(struct capture *capture)
{
    capture->file = tmpfile();
    assert_non_null(capture->file);
    capture->saved = dup(STDERR_FILENO);
    assert_true(dup2(fileno(capture->file), STDERR_FILENO) >= 0);
}

static const char *capture_end(struct capture *capture)
{
    dup2(capture->saved, STDERR_FILENO);
    close(capture->saved);
    rewind(capture->file);
    size_t len = fread(capture->text, 1, sizeof(capture->text) - 1, capture->file);
    capture->text[len] = '\0';
    fclose(capture->file);
    return capture->text;
}

/* Behind the time stamp, whose shape is checked on the way. */
static const char *after_time(const char *line)
{
    static const char shape[] = "ts=dddd-dd-ddTdd:dd:dd.dddZ ";
    for (size_t i = 0; shape[i] != '\0'; i++)
        if (shape[i] == 'd')
            assert_in_range(line[i], '0', '9');
        else
            assert_int_equal(line[i], shape[i]);
    return line + sizeof(shape) - 1;
}

static void a_line(void **state)
{
    (void)state;
    struct capture capture;
    capture_begin(&capture);
    log_event(LOG_INFO, "session.opened", "tenant", "acme", "note", "two words", "none", NULL,
              "empty", "", NULL);
    assert_string_equal(
        after_time(capture_end(&capture)),
        "level=info event=session.opened tenant=acme note=\"two words\" empty=\"\"\n");
}

static void nothing_in_a_value_ends_a_line(void **state)
{
    (void)state;
    struct capture capture;
    capture_begin(&capture);
    log_event(LOG_WARN, "odd", "v", "a\nlevel=error \"x\\\x1b[2J\x7f\xc3\xa4=", NULL);
    assert_string_equal(after_time(capture_end(&capture)),
                        "level=warn event=odd "
                        "v=\"a\\nlevel=error \\\"x\\\\\\x1b[2J\\x7f\\xc3\\xa4=\"\n");
}

static void a_long_line_is_cut_and_still_ends(void **state)
{
    (void)state;
    struct capture capture;
    char value[9000];
    for (size_t extra = 0; extra < 40; extra++) {
        memset(value, extra % 2 ? '\n' : 'x', sizeof(value));
        value[4000 + extra] = '\0';
        capture_begin(&capture);
        log_event(LOG_ERROR, "long", "value", value, "after", "it", NULL);
        const char *text = capture_end(&capture);
        assert_true(strlen(text) <= 4096);
        assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
        if (extra % 2)
            assert_int_equal(text[strlen(text) - 2], '"');
    }
}

static void below_the_level_nothing_is_written(void **state)
{
    (void)state;
    struct capture capture;
    capture_begin(&capture);
    log_event(LOG_DEBUG, "hidden", NULL);
    log_set_level(LOG_ERROR);
    log_event(LOG_WARN, "hidden", NULL);
    log_set_level(LOG_DEBUG);
    log_event(LOG_DEBUG, "shown", NULL);
    log_set_level(LOG_INFO);
    assert_string_equal(after_time(capture_end(&capture)), "level=debug event=shown\n");
}

/* ---- the writer ---- */

static unsigned count_of(const char *text, const char *what)
{
    unsigned n = 0;
    for (; (text = strstr(text, what)); text += strlen(what))
        n++;
    return n;
}

static void a_writer_keeps_the_order_and_ends_with_everything(void **state)
{
    (void)state;
    struct capture capture;
    char number[16], last[64];
    capture_begin(&capture);
    assert_int_equal(log_start_writer(), 0);
    for (unsigned i = 0; i < LOG_EVENT_PER_SECOND; i++) {
        snprintf(number, sizeof number, "%u", i);
        log_event(LOG_INFO, "counted", "n", number, NULL);
    }
    log_stop_writer();
    const char *text = capture_end(&capture);
    for (unsigned i = 0; i < LOG_EVENT_PER_SECOND; i++) {
        snprintf(last, sizeof last, "event=counted n=%u\n", i);
        text = strstr(text, last);
        assert_non_null(text);
    }
}

/* At worst the second changes once on the way. */
static void a_flood_of_one_event_leaves_room_for_others(void **state)
{
    (void)state;
    struct capture capture;
    capture_begin(&capture);
    assert_int_equal(log_start_writer(), 0);
    for (unsigned i = 0; i < 3 * LOG_EVENT_PER_SECOND; i++)
        log_event(LOG_INFO, "f", NULL);
    log_event(LOG_INFO, "other", NULL);
    log_stop_writer();
    const char *text = capture_end(&capture);
    assert_true(count_of(text, "event=f\n") <= 2 * LOG_EVENT_PER_SECOND);
    assert_int_equal(count_of(text, "event=other\n"), 1);
    assert_true(count_of(text, "event=log.lines_lost") >= 1);
}

struct unread {
    int ends[2], saved;
    char text[1024 * 1024];
    size_t len;
};

static void *read_at_last(void *arg)
{
    struct unread *unread = arg;
    for (ssize_t got = 1; got > 0; unread->len += (size_t)got) {
        got = read(unread->ends[0], unread->text + unread->len,
                   sizeof unread->text - 1 - unread->len);
        if (got < 0)
            break;
    }
    return NULL;
}

/* More than the pipe and the ring hold, under names enough. */
static unsigned log_much(void)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    static char filler[3000];
    unsigned lines = 0;
    memset(filler, 'x', sizeof filler - 1);
    for (unsigned i = 0; i < 160; i++, lines++)
        log_event(LOG_INFO, names[i % 8], "v", filler, NULL);
    return lines;
}

/* Written as before, this would wait for ever. */
static void nobody_waits_for_who_does_not_read(void **state)
{
    (void)state;
    struct unread *unread = mem_zalloc(sizeof *unread);
    pthread_t reader;
    assert_int_equal(pipe(unread->ends), 0);
    unread->saved = dup(STDERR_FILENO);
    assert_true(dup2(unread->ends[1], STDERR_FILENO) >= 0);
    close(unread->ends[1]);
    assert_int_equal(log_start_writer(), 0);
    unsigned logged = log_much();
    assert_int_equal(pthread_create(&reader, NULL, read_at_last, unread), 0);
    log_stop_writer();
    assert_true(dup2(unread->saved, STDERR_FILENO) >= 0);
    close(unread->saved);
    pthread_join(reader, NULL);
    close(unread->ends[0]);

    const char *lost = strstr(unread->text, "event=log.lines_lost count=");
    assert_non_null(lost);
    unsigned missing = (unsigned)strtoul(lost + strlen("event=log.lines_lost count="), NULL, 10);
    assert_int_equal(count_of(unread->text, "\n") - 1 + missing, logged);
    mem_free(unread);
}

static void levels_have_texts(void **state)
{
    (void)state;
    assert_int_equal(log_level_from_text("debug"), LOG_DEBUG);
    assert_int_equal(log_level_from_text("info"), LOG_INFO);
    assert_int_equal(log_level_from_text("warn"), LOG_WARN);
    assert_int_equal(log_level_from_text("error"), LOG_ERROR);
    assert_int_equal(log_level_from_text("loud"), -1);
    assert_int_equal(log_level_from_text(""), -1);
}

static void clocks_go_forward(void **state)
{
    (void)state;
    struct moment first = clock_now();
    uint64_t later = clock_mono_ns();
    assert_true(later >= first.mono_ns);
    assert_true(first.unix_ms > UINT64_C(1600000000000));
    assert_true(first.unix_ms < UINT64_C(4102444800000));
}

static int by_value(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return (x > y) - (x < y);
}

#define SAMPLES 20000u

static void check_quantiles(const struct hist *hist, const uint64_t *sorted, size_t count)
{
    static const double q[] = {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0};
    for (size_t i = 0; i < sizeof(q) / sizeof(q[0]); i++) {
        size_t rank = (size_t)ceil(q[i] * (double)count);
        double exact = (double)sorted[rank - 1];
        assert_true(fabs((double)hist_at(hist, q[i]) - exact) <= exact * 0.032);
    }
}

static void quantiles_are_within_the_error(void **state)
{
    (void)state;
    struct rng rng = {7};
    struct hist *hist = mem_zalloc(sizeof(*hist)), *half = mem_zalloc(sizeof(*half));
    uint64_t *samples = mem_alloc(SAMPLES * sizeof(*samples)), sum = 0;
    for (size_t i = 0; i < SAMPLES; i++) {
        samples[i] = rng_next(&rng) >> (1 + rng_below(&rng, 62));
        sum += samples[i];
        hist_add(i % 2 ? hist : half, samples[i]);
    }
    hist_merge(hist, half);
    qsort(samples, SAMPLES, sizeof(*samples), by_value);
    check_quantiles(hist, samples, SAMPLES);
    assert_int_equal(hist->count, SAMPLES);
    assert_true(hist->sum == sum);
    assert_true(hist->max == samples[SAMPLES - 1]);
    mem_free(samples);
    mem_free(half);
    mem_free(hist);
}

static void the_edges_of_a_histogram(void **state)
{
    (void)state;
    struct hist hist = {0};
    assert_int_equal(hist_at(&hist, 0.5), 0);
    hist_add(&hist, UINT64_MAX);
    assert_true(hist_at(&hist, 1) > UINT64_MAX - UINT64_MAX / 30);
    hist_add(&hist, 0);
    assert_int_equal(hist_at(&hist, 0), 0);
    assert_int_equal(hist_at(&hist, 0.5), 0);
    for (uint64_t value = 0; value < 16; value++) {
        struct hist exact = {0};
        hist_add(&exact, value);
        assert_int_equal(hist_at(&exact, 0.5), value);
    }
}

/* A bucket that is full loses weight, not its place. */
static void a_full_bucket_keeps_the_quantiles(void **state)
{
    (void)state;
    struct hist hist = {.count = UINT64_C(1) << 33, .max = 9};
    struct hist other = {.count = 2, .max = 1};
    hist.bucket[1] = UINT32_MAX;
    hist.bucket[9] = UINT32_MAX / 2;
    other.bucket[1] = 2;
    hist_merge(&hist, &other);
    assert_int_equal(hist_at(&hist, 0.6), 1);
    assert_int_equal(hist_at(&hist, 0.7), 9);
    hist.bucket[1] = UINT32_MAX;
    hist.bucket[9] = UINT32_MAX / 2;
    hist_add(&hist, 1);
    assert_int_equal(hist_at(&hist, 0.6), 1);
    assert_int_equal(hist_at(&hist, 0.7), 9);
    assert_true(hist.count == (UINT64_C(1) << 33) + 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line),
        cmocka_unit_test(nothing_in_a_value_ends_a_line),
        cmocka_unit_test(a_long_line_is_cut_and_still_ends),
        cmocka_unit_test(below_the_level_nothing_is_written),
        cmocka_unit_test(a_writer_keeps_the_order_and_ends_with_everything),
        cmocka_unit_test(a_flood_of_one_event_leaves_room_for_others),
        cmocka_unit_test(nobody_waits_for_who_does_not_read),
        cmocka_unit_test(levels_have_texts),
        cmocka_unit_test(clocks_go_forward),
        cmocka_unit_test(quantiles_are_within_the_error),
        cmocka_unit_test(the_edges_of_a_histogram),
        cmocka_unit_test(a_full_bucket_keeps_the_quantiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

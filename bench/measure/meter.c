#include "meter.h"

#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double microseconds(uint64_t ns)
{
    return (double)ns / 1e3;
}

static uint64_t cpu_ns_of(pid_t pid)
{
    clockid_t clock;
    struct timespec spent;
    if (pid == 0 || clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &spent))
        return 0;
    return (uint64_t)spent.tv_sec * NS_PER_SEC + (uint64_t)spent.tv_nsec;
}

void meter_begin(struct meter *meter, const struct bench_options *options, pid_t service)
{
    memset(meter, 0, sizeof *meter);
    meter->pid[METER_BROKER] = options->broker_pid;
    meter->pid[METER_SERVICE] = service;
    meter->pid[METER_CLIENT] = getpid();
    meter->start = clock_mono_ns() + (uint64_t)(options->warm * 1e9);
    meter->end = meter->start + (uint64_t)(options->seconds * 1e9);
}

void meter_read_cpu(struct meter *meter)
{
    for (int role = 0; role < METER_ROLES; role++)
        meter->cpu_ns[role][meter->readings] = cpu_ns_of(meter->pid[role]);
    meter->readings++;
}

void meter_sleep_until(uint64_t mono_ns)
{
    struct timespec until = {(time_t)(mono_ns / NS_PER_SEC), (long)(mono_ns % NS_PER_SEC)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
}

void meter_sleep(struct meter *meter)
{
    meter_sleep_until(meter->start);
    meter_read_cpu(meter);
    meter_sleep_until(meter->end);
    meter_read_cpu(meter);
}

void tally_hit(struct tally *tally, const struct meter *meter, uint64_t sent, uint64_t now)
{
    if (now >= meter->start && now < meter->end)
        hist_add(&tally->hist, now > sent ? now - sent : 0);
}

void tally_merge(struct tally *into, const struct tally *from)
{
    hist_merge(&into->hist, &from->hist);
    into->errors += from->errors;
}

void meter_print_quantiles(const struct hist *hist)
{
    printf(" p50_us=%.1f p99_us=%.1f p999_us=%.1f", microseconds(hist_at(hist, .5)),
           microseconds(hist_at(hist, .99)), microseconds(hist_at(hist, .999)));
}

void meter_print_cpu(const struct meter *meter, uint64_t count)
{
    static const char *const names[METER_ROLES] = {"broker", "service", "client"};
    for (int role = 0; role < METER_ROLES; role++) {
        uint64_t spent = meter->cpu_ns[role][1] - meter->cpu_ns[role][0];
        if (meter->pid[role] && count)
            printf(" %s_cpu_us=%.2f", names[role], microseconds(spent) / (double)count);
    }
}

void meter_report(const char *peer, const struct bench_options *options, const struct meter *meter,
                  const struct tally *tally)
{
    printf("peer=%s case=rr size=%u window=%u sessions=%u rate=%.0f",
           options->label ? options->label : peer, options->size, options->window,
           options->sessions, (double)tally->hist.count / options->seconds);
    meter_print_quantiles(&tally->hist);
    printf(" errors=%llu", (unsigned long long)tally->errors);
    meter_print_cpu(meter, tally->hist.count);
    putchar('\n');
    fflush(stdout);
}

/* cases.h - what farebox-bench measures. Each prints one line and returns an exit code. */
#ifndef BENCH_CASES_H
#define BENCH_CASES_H

#include "measure/options.h"

/* Request/reply in closed loops: each session keeps `window` calls in flight to a service in
 * a process of its own, and the callback of a reply makes the next call. */
int case_rr(struct bench_options *options);
/* A publisher's process, and `subs` subscribing sessions in this one. */
int case_pubsub(struct bench_options *options);
/* Memory of an idle broker and of idle sessions; time from exec to the first call served. */
int case_footprint(struct bench_options *options);
/* The p99 of a tenant alone, and beside one that calls a hundred times as often as it may; or
 * beside one that calls a service whose process is stopped. */
int case_noisy(struct bench_options *options);
int case_stopped(struct bench_options *options);
/* The p99 of a caller, and what it loses, while one of its service's instances is stopped. */
int case_instance(struct bench_options *options);
/* Memory with many users and services, and what a call costs with few tenants and with many. */
int case_scale(struct bench_options *options);

#endif

#include "traffic.h"

#include "base/clock.h"

#include <inttypes.h>

#define FIRST_BUCKET_NS NS_PER_MS

/* One thread writes, so a load and a store are enough. */
void traffic_add(_Atomic uint64_t *counter, int64_t change)
{
    atomic_store_explicit(counter,
                          atomic_load_explicit(counter, memory_order_relaxed) + (uint64_t)change,
                          memory_order_relaxed);
}

static uint64_t get(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void traffic_count(struct traffic *self, unsigned status, uint64_t ns, size_t in, size_t out)
{
    unsigned bucket = 0;
    while (bucket < TRAFFIC_BUCKETS && ns > FIRST_BUCKET_NS << bucket)
        bucket++;
    traffic_add(&self->status[status < TRAFFIC_STATUS_MAX ? status : 0], 1);
    traffic_add(&self->bucket[bucket], 1);
    traffic_add(&self->ns, (int64_t)ns);
    traffic_add(&self->bytes_in, (int64_t)in);
    traffic_add(&self->bytes_out, (int64_t)out);
}

/* ---- as text ---- */

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP farebox_gateway_%s %s\n# TYPE farebox_gateway_%s %s\n", name, help,
               name, type);
}

static void single(struct buf *out, const char *name, const char *type, const char *help,
                   const _Atomic uint64_t *value)
{
    head(out, name, type, help);
    buf_printf(out, "farebox_gateway_%s %" PRIu64 "\n", name, get(value));
}

static void write_statuses(struct buf *out, const struct traffic *self)
{
    head(out, "responses_total", "counter", "Responses by status; 499: the client left before.");
    for (unsigned i = 0; i < TRAFFIC_STATUS_MAX; i++)
        if (get(&self->status[i]) > 0)
            buf_printf(out, "farebox_gateway_responses_total{status=\"%u\"} %" PRIu64 "\n", i,
                       get(&self->status[i]));
}

static void write_durations(struct buf *out, const struct traffic *self)
{
    uint64_t sum = 0;
    head(out, "request_seconds", "histogram", "From a request's headers to its response's end.");
    for (unsigned i = 0; i < TRAFFIC_BUCKETS; i++) {
        sum += get(&self->bucket[i]);
        buf_printf(out, "farebox_gateway_request_seconds_bucket{le=\"%g\"} %" PRIu64 "\n",
                   (double)(FIRST_BUCKET_NS << i) / NS_PER_SEC, sum);
    }
    sum += get(&self->bucket[TRAFFIC_BUCKETS]);
    buf_printf(out,
               "farebox_gateway_request_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n"
               "farebox_gateway_request_seconds_sum %.9f\n"
               "farebox_gateway_request_seconds_count %" PRIu64 "\n",
               sum, (double)get(&self->ns) / NS_PER_SEC, sum);
}

void traffic_write(struct buf *out, const struct traffic *self)
{
    write_statuses(out, self);
    write_durations(out, self);
    single(out, "received_bytes_total", "counter", "Bodies of requests.", &self->bytes_in);
    single(out, "sent_bytes_total", "counter", "Bodies of responses.", &self->bytes_out);
    single(out, "connections", "gauge", "Clients connected.", &self->connections);
    single(out, "requests_under_way", "gauge", "Requests not yet answered, streams too.",
           &self->busy);
    single(out, "access_log_lost_total", "counter", "Lines that could not be written.",
           &self->log_lost);
}

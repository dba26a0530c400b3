/* stats.c - bus.stats: the broker's own counters. They speak of all tenants together,
 * so a tenant's part of them does not exist. */
#include "builtin/builtin.h"
#include "builtin/packing.h"
#include "core/state.h"

static void pack_errors(msgpack_packer *packer, const struct stats *stats)
{
    size_t kinds = 0;
    for (int status = 0; status < STATUS_COUNT; status++)
        kinds += stats->errors[status] > 0;
    pack_pair_map(packer, "errors", kinds);
    for (int status = 0; status < STATUS_COUNT; status++) {
        if (stats->errors[status] > 0)
            pack_pair_uint(packer, status_text((enum status)status), stats->errors[status]);
    }
}

static void pack_filters(msgpack_packer *packer, const struct chain *chain)
{
    pack_pair_array(packer, "filters", chain->n);
    for (unsigned i = 0; i < chain->n; i++) {
        const struct chain_link *link = &chain->links[i];
        msgpack_pack_map(packer, 5);
        pack_pair_text(packer, "name", slice_of(link->filter->name));
        pack_pair_uint(packer, "passed", link->passed);
        pack_pair_uint(packer, "refused", link->refused);
        pack_pair_uint(packer, "waited", link->waited);
        pack_pair_uint(packer, "ns", link->timed ? link->timed_ns / link->timed : 0);
    }
}

static void pack_vitals(msgpack_packer *packer, const struct io *io)
{
    struct io_vitals vitals = {0};
    if (io->vitals)
        io->vitals(io->arg, &vitals);
    pack_pair_uint(packer, "memory_bytes", vitals.memory_bytes);
    pack_pair_map(packer, "store", 4);
    pack_pair_uint(packer, "commits", vitals.store_commits);
    pack_pair_uint(packer, "queued", vitals.store_queued);
    pack_pair_uint(packer, "quarantined", vitals.store_quarantined);
    pack_pair_text(packer, "error",
                   slice_of(vitals.store_error ? strerror(-vitals.store_error) : ""));
}

/* What is wrong with keeping what must outlive the process; empty: nothing. */
static void pack_journal(msgpack_packer *packer, const struct core *core)
{
    const struct journal *journal = &core->journal;
    pack_pair_map(packer, "journal", 5);
    pack_pair_uint(packer, "blocks", journal->sequence);
    pack_pair_uint(packer, "waiting", journal->sequence - journal->trimmed);
    pack_pair_uint(packer, "held", core->hold.count);
    pack_pair_text(packer, "ledger",
                   slice_of(journal->ledger_error ? strerror(-journal->ledger_error) : ""));
    pack_pair_text(packer, "books", slice_of(journal->books_fail ? "they refuse" : ""));
}

static enum status show(struct core *core, struct call *call, enum scope scope, struct buf *out,
                        const char **why)
{
    (void)call;
    if (scope != SCOPE_ALL) {
        *why = "needs admin:stats for all tenants";
        return STATUS_PERMISSION_DENIED;
    }
    const struct stats *stats = &core->stats;
    msgpack_packer packer;
    packing_init(&packer, out);
    msgpack_pack_map(&packer, 25);
    pack_pair_text(&packer, "version", slice_of(core->version));
    pack_pair_hex(&packer, "boot", core->boot, sizeof core->boot);
    pack_pair_uint(&packer, "uptime_ms", (core->now.mono_ns - core->started.mono_ns) / NS_PER_MS);
    pack_pair_uint(&packer, "sessions", core->sessions.by_id.count);
    pack_pair_uint(&packer, "connections", core->sessions.pipes.count);
    pack_pair_uint(&packer, "calls", stats->calls);
    pack_pair_uint(&packer, "calls_pending", core->calls.pending);
    pack_errors(&packer, stats);
    pack_pair_uint(&packer, "published", core->pubsub.published);
    pack_pair_uint(&packer, "delivered", core->pubsub.delivered);
    pack_pair_uint(&packer, "missed", core->pubsub.missed);
    pack_pair_uint(&packer, "one_shot", stats->one_shot);
    pack_pair_uint(&packer, "turns", stats->turns);
    pack_pair_uint(&packer, "frames_in", stats->frames_in);
    pack_pair_uint(&packer, "frames_out", stats->frames_out);
    pack_pair_uint(&packer, "bytes_in", stats->bytes_in);
    pack_pair_uint(&packer, "bytes_out", stats->bytes_out);
    pack_pair_uint(&packer, "bad_frames", stats->bad_frames);
    pack_pair_uint(&packer, "identities", identities_count(core->identities));
    pack_filters(&packer, &core->chain);
    pack_vitals(&packer, &core->io);
    pack_journal(&packer, core);
    pack_pair_uint(&packer, "p50_us", hist_at_us(&stats->latency, 0.50));
    pack_pair_uint(&packer, "p99_us", hist_at_us(&stats->latency, 0.99));
    return STATUS_OK;
}

static const struct builtin_verb verbs[] = {
    {"show", ACCESS_ADMIN, "stats", show, false, NULL},
    {0},
};

const struct builtin builtin_stats = {"bus.stats", verbs};

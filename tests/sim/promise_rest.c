/* promise_rest.c - what the core holds on to: bounded while busy, nothing once all is
 * quiet. The only file here that looks inside the core. */
#include "core/placement.h"
#include "core/state.h"
#include "work.h"
#include "world.h"

/* ---- after every turn ---- */

static void nobody_waits_in_vain(struct world *world, const struct core *core)
{
    size_t cursor = 0;
    for (struct service *service; (service = map_next(&core->registry.by_key, &cursor));) {
        if (service->waiting.n > core->limits.queue_length)
            promise_broken(world, PROMISE_BOUNDED, "%u calls wait for %s", service->waiting.n,
                           service->key);
        if (service->waiting.n > 0 && placement_has_room(core, service))
            promise_broken(world, PROMISE_NO_IDLE_WAIT, "%u calls wait for %s, which has room",
                           service->waiting.n, service->key);
    }
}

static void parks_few(struct world *world, const struct core *core)
{
    for (const struct list *node = core->sessions.all.next; node != &core->sessions.all;
         node = node->next) {
        const struct session *session = LIST_ENTRY(node, struct session, node);
        SAW_IF(!list_empty(&session->link.ready), world, FULL_FRAMES);
        /* Whoever is refused again and again may wait for a moment to be told. */
        bool waits =
            session->refusals.due > 0 && session->refusals.due + WHEEL_SLOT_NS > world->now;
        if (session->n_parked > (waits ? SESSION_EXCHANGES : SESSION_PARKED))
            promise_broken(world, PROMISE_EXCHANGES, "%u exchanges of %s are parked",
                           session->n_parked, session->name);
    }
}

static void within_limits(struct world *world, const struct core *core)
{
    struct core_gauges gauges;
    const struct limits *limits = &core->limits;
    core_gauges(core, &gauges);
    if (gauges.sessions > limits->max_sessions || gauges.calls > limits->max_calls ||
        gauges.identities > limits->max_identities || gauges.feeds > limits->max_feeds)
        promise_broken(world, PROMISE_BOUNDED, "%zu sessions, %zu calls, %zu identities, %zu feeds",
                       gauges.sessions, gauges.calls, gauges.identities, gauges.feeds);
}

static void on_turn(struct world *world)
{
    const struct core *core = world->bus.core;
    nobody_waits_in_vain(world, core);
    parks_few(world, core);
    within_limits(world, core);
}

static void on_destroyed(struct world *world)
{
    if (world->net.held > 0)
        promise_broken(world, PROMISE_EXCHANGES, "%u exchanges outlive the core", world->net.held);
}

/* ---- at the end ---- */

static void nothing_is_under_way(struct world *world, const struct core_gauges *gauges)
{
    if (gauges->calls + gauges->abandoned + gauges->in_flight + gauges->queued > 0)
        promise_broken(world, PROMISE_REST, "%zu calls, %zu abandoned, %zu in flight, %zu queued",
                       gauges->calls, gauges->abandoned, gauges->in_flight, gauges->queued);
    if (gauges->feeds != world->bus.witnesses)
        promise_broken(world, PROMISE_REST, "%zu feeds are still open", gauges->feeds);
}

static void only_the_living_have_sessions(struct world *world, const struct core_gauges *gauges)
{
    size_t living = 0, connected = 0; /* the witness has long been silent */
    for (unsigned i = 0; i < world->n_peers; i++) {
        const struct peer *peer = &world->peers[i];
        living += peer->alive && !peer->refused_at;
        connected += peer->alive;
        if (peer->alive && !peer->refused_at && world_expired(world, peer->user))
            promise_broken(world, PROMISE_REST, "the session of %s outlives its token",
                           peer->user->name);
        if (!peer->raw && !peer->refused_at && !peer_ready(peer))
            promise_broken(world, PROMISE_LIVENESS, "%s is not ready", peer->user->name);
    }
    if (gauges->sessions != living || gauges->pipes != connected)
        promise_broken(world, PROMISE_REST, "%zu sessions of %zu peers, %zu pipes of %zu",
                       gauges->sessions, living, gauges->pipes, connected);
}

static size_t listenings_in_force(const struct world *world)
{
    size_t count = 0;
    for (unsigned i = 1; i <= world->books.n_listenings; i++)
        count += work_listens(&world->books.listenings[i]);
    return count;
}

static void nothing_is_left(struct world *world, const struct core *core,
                            const struct core_gauges *gauges)
{
    size_t subscriptions = listenings_in_force(world) + world->bus.witnesses;
    if (gauges->subscriptions != subscriptions)
        promise_broken(world, PROMISE_REST, "%zu subscriptions, %zu are known",
                       gauges->subscriptions, subscriptions);
    const size_t always = 1; /* that of the retention of usage */
    if (core->wheel.armed != always + gauges->sessions + gauges->feeds)
        promise_broken(world, PROMISE_REST, "%zu timers for %zu sessions and %zu feeds",
                       core->wheel.armed, gauges->sessions, gauges->feeds);
    for (const struct list *node = core->sessions.all.next; node != &core->sessions.all;
         node = node->next) {
        const struct session *session = LIST_ENTRY(node, struct session, node);
        if (link_backlog(&session->link) > 0)
            promise_broken(world, PROMISE_REST, "%zu bytes for %s are left over",
                           link_backlog(&session->link), session->name);
    }
}

static bool serves(const struct core *core, const struct peer *peer, unsigned number)
{
    struct slice tenant = slice_of(peer->owns ? tenant_names[peer->user->tenant] : NULL);
    const struct service *service = registry_find(core, tenant, slice_of(service_names[number]));
    if (!service)
        return false;
    for (const struct list *node = service->instances.next; node != &service->instances;
         node = node->next) {
        const struct instance *instance = LIST_ENTRY(node, struct instance, by_service);
        if (strcmp(instance->session->name, peer->user->name) == 0)
            return instance_ready(instance);
    }
    return false;
}

/* Whatever they went through, they are there for what they came for. */
static void servers_serve(struct world *world, const struct core *core)
{
    for (unsigned i = 0; i < world->n_peers; i++) {
        const struct peer *peer = &world->peers[i];
        for (unsigned number = 0; number < SERVICES; number++) {
            if ((peer->serves & 1u << number) && !serves(core, peer, number))
                promise_broken(world, PROMISE_LIVENESS, "%s does not serve %s any more",
                               peer->user->name, service_names[number]);
        }
    }
}

static void on_over(struct world *world)
{
    struct core_gauges gauges;
    if (!world->bus.core) {
        promise_broken(world, PROMISE_LIVENESS, "the broker is not there");
        return;
    }
    core_gauges(world->bus.core, &gauges);
    nothing_is_under_way(world, &gauges);
    only_the_living_have_sessions(world, &gauges);
    nothing_is_left(world, world->bus.core, &gauges);
    servers_serve(world, world->bus.core);
}

const struct observer observer_rest = {
    .turn = on_turn,
    .destroyed = on_destroyed,
    .over = on_over,
};

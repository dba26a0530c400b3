#include "net.h"

#include "base/mem.h"
#include "peer.h"
#include "world.h"

#define DELAY_MIN_NS 20000u
#define NOTICE_MAX_NS 4000000u /* how late an end notices that a pipe is gone */

void net_init(struct world *world)
{
    struct net *net = &world->net;
    list_init(&net->exchanges);
    net->n_pipes = 1;
    net->delay_max = dice_between(&world->dice, 50000, 3000000);
    net->swap_max = dice_chance(&world->dice, 500) ? dice_below(&world->dice, 400000) : 0;
}

void exchange_free(struct exchange *exchange)
{
    list_remove(&exchange->node);
    buf_finish(&exchange->bytes);
    mem_free(exchange);
}

void net_finish(struct world *world)
{
    struct net *net = &world->net;
    for (struct list *node; (node = list_first(&net->exchanges));)
        exchange_free(LIST_ENTRY(node, struct exchange, node));
    mem_free(net->pipes);
}

/* ---- pipes ---- */

static uint64_t soon(struct world *world, uint64_t at_most)
{
    return world->now + dice_between(&world->dice, DELAY_MIN_NS, DELAY_MIN_NS + at_most);
}

uint32_t net_open(struct world *world, struct peer *peer)
{
    struct net *net = &world->net;
    if (net->n_pipes >= net->cap_pipes) {
        net->cap_pipes = net->cap_pipes ? net->cap_pipes * 2 : 64;
        net->pipes = mem_realloc(net->pipes, net->cap_pipes * sizeof *net->pipes);
    }
    uint32_t id = net->n_pipes++;
    net->pipes[id] =
        (struct pipe_model){.peer = peer, .life = peer ? peer->life : 0, .alive = true};
    bus_hear_of_pipe(world, id, true);
    return id;
}

static void broker_notices(struct world *world, void *arg, uint64_t pipe)
{
    (void)arg;
    bus_hear_of_pipe(world, (uint32_t)pipe, false);
}

void net_lose(struct world *world, uint32_t pipe)
{
    struct pipe_model *model = &world->net.pipes[pipe];
    if (pipe == 0 || !model->alive)
        return;
    model->alive = false;
    TRACE(world, "pipe %u breaks", pipe);
    agenda_add(&world->agenda, soon(world, NOTICE_MAX_NS), broker_notices, NULL, pipe);
    if (model->peer)
        agenda_add(&world->agenda, soon(world, NOTICE_MAX_NS), peer_pipe_lost, model->peer, pipe);
}

void net_mute(struct world *world, uint32_t pipe)
{
    if (pipe == 0)
        return;
    TRACE(world, "pipe %u falls silent", pipe);
    world->net.pipes[pipe].mute = true;
}

/* ---- frames ---- */

static bool carries(const struct world *world, uint32_t pipe)
{
    return world->net.pipes[pipe].alive && !world->net.pipes[pipe].mute;
}

/* In order behind what the pipe carries already, then perhaps overtaken in a callback. */
static uint64_t arrival(struct world *world, struct lane *lane)
{
    uint64_t at = soon(world, world->net.delay_max);
    lane->newest = at > lane->newest ? at : lane->newest + 1;
    uint64_t heard = lane->newest;
    if (world->net.swap_max > 0)
        heard += dice_below(&world->dice, (unsigned)world->net.swap_max);
    SAW_IF(heard < lane->heard, world, OVERTAKEN);
    if (heard > lane->heard)
        lane->heard = heard;
    return heard;
}

static void reaches_broker(struct world *world, void *arg, uint64_t number)
{
    struct exchange *exchange = arg;
    (void)number;
    if (carries(world, exchange->pipe))
        bus_take(world, exchange);
    else
        exchange_free(exchange);
}

void net_send(struct world *world, uint32_t pipe, unsigned slot, uint64_t serial,
              struct slice frame)
{
    if (!carries(world, pipe))
        return;
    struct exchange *exchange = mem_zalloc(sizeof *exchange);
    exchange->pipe = pipe;
    exchange->slot = slot;
    exchange->serial = serial;
    buf_append(&exchange->bytes, frame.data, frame.len);
    list_push(&world->net.exchanges, &exchange->node);
    agenda_add(&world->agenda, arrival(world, &world->net.pipes[pipe].there), reaches_broker,
               exchange, 0);
}

static void let_go(struct world *world, struct exchange *exchange)
{
    exchange->held = false;
    world->net.held--;
    world->net.pipes[exchange->pipe].held--;
}

static void reaches_peer(struct world *world, void *arg, uint64_t number)
{
    struct exchange *exchange = arg;
    const struct pipe_model *model = &world->net.pipes[exchange->pipe];
    if (carries(world, exchange->pipe) && peer_postpones(world, model->peer, reaches_peer, arg, 0))
        return;
    (void)number;
    if (carries(world, exchange->pipe) && model->life == model->peer->life)
        peer_answered(world, model->peer, exchange);
    exchange_free(exchange);
}

void net_answer(struct world *world, struct exchange *exchange, struct slice frame)
{
    let_go(world, exchange);
    if (!carries(world, exchange->pipe) || !world->net.pipes[exchange->pipe].peer) {
        exchange_free(exchange);
        return;
    }
    exchange->bytes.len = 0;
    buf_append(&exchange->bytes, frame.data, frame.len);
    agenda_add(&world->agenda, arrival(world, &world->net.pipes[exchange->pipe].back), reaches_peer,
               exchange, 0);
}

void net_release(struct world *world, struct exchange *exchange)
{
    let_go(world, exchange);
    exchange_free(exchange);
}

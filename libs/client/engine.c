/* engine.c - the engine's life: pipes, exchanges, time and the flow of frames. */
#include "client/engine_parts.h"

#include "base/mem.h"

#define GREET_TIMEOUT_NS (5 * NS_PER_SEC)
#define GREET_PAUSE_NS (100 * NS_PER_MS)
#define HEARTBEATS_MISSED 3u
/* While large answers come, one exchange is on its way to the broker and one waits there. */
#define PARKED_WHEN_BULKY 2u
#define BULKY_BYTES 16384u
/* Of frames that are not full no more than this are under way. The broker answers all but the last
 * two it has at once, or when what it says is on disk, so what waits for that leaves in a moment,
 * in fewer frames. */
#define UNFILLED_FRAMES 3u

struct engine *engine_create(const struct engine_options *options, const struct engine_io *io,
                             const struct engine_upcalls *upcalls, uint64_t now)
{
    struct engine *engine = mem_zalloc(sizeof(*engine));
    engine->io = *io;
    engine->up = *upcalls;
    engine->token = mem_strdup(options->token ? options->token : "");
    engine->name = mem_strdup(options->name ? options->name : "");
    engine->client = mem_strdup(options->client ? options->client : "");
    engine->greet_timeout =
        options->greet_timeout_ns ? options->greet_timeout_ns : GREET_TIMEOUT_NS;
    engine->eager = options->eager;
    engine->now = now;
    engine->limit = ENGINE_EXCHANGES;
    engine->link = mem_alloc(sizeof(*engine->link));
    link_init(engine->link);
    wire_out_init(&engine->bare);
    arena_init(&engine->arena);
    wheel_init(&engine->wheel, now);
    map_init(&engine->served);
    engine_calls_init(engine);
    controls_init(engine);
    return engine;
}

void engine_destroy(struct engine *engine)
{
    if (!engine)
        return;
    controls_finish(engine); /* whose timers may stand beside those of calls */
    engine_calls_finish(engine);
    map_finish(&engine->served);
    arena_finish(&engine->arena);
    wire_out_finish(&engine->bare);
    link_finish(engine->link);
    mem_free(engine->link);
    mem_free(engine->token);
    mem_free(engine->name);
    mem_free(engine->client);
    mem_free(engine);
}

enum engine_state engine_state(const struct engine *engine)
{
    return engine->told;
}

bool engine_is_timing(const struct engine *engine)
{
    return engine->wheel.armed > 0 || engine->state != ENGINE_READY;
}

static void tell_state(struct engine *engine, const char *why)
{
    if (engine->told == engine->state)
        return;
    engine->told = engine->state;
    engine->up.state(engine->up.arg, engine->state, why);
}

void engine_set_state(struct engine *engine, enum engine_state state, const char *why)
{
    engine->state = state;
    engine->doubtful = false;
    tell_state(engine, why);
}

uint64_t engine_next_id(struct engine *engine, uint32_t slot)
{
    return (++engine->ids_given << SLOT_BITS) | slot;
}

size_t engine_backlog(const struct engine *engine)
{
    return link_backlog(engine->link);
}

/* ---- exchanges ---- */

static unsigned free_exchange(const struct engine *engine)
{
    unsigned n = 0;
    while (n < engine->limit && engine->exchanges[n].busy)
        n++;
    return n < engine->limit ? n : ENGINE_EXCHANGES;
}

/* Those of this session, which the broker can answer us on. */
static unsigned parked(const struct engine *engine)
{
    unsigned count = 0;
    for (unsigned n = 0; n < ENGINE_EXCHANGES; n++) {
        const struct exchange *exchange = &engine->exchanges[n];
        count += exchange->busy && exchange->session == engine->session &&
                 exchange->pipe == engine->pipe_no;
    }
    return count;
}

static void start_exchange(struct engine *engine, unsigned n, struct slice frame)
{
    engine->exchanges[n] = (struct exchange){true, engine->session, engine->pipe_no};
    engine->sent_at = engine->now;
    engine->io.send(engine->io.arg, n, frame);
}

static void transmit(struct engine *engine, unsigned n)
{
    struct slice frame = link_transmit(engine->link, engine->pipe_no);
    engine->left = engine->leaving && !link_pending(engine->link);
    start_exchange(engine, n, frame);
}

static bool wants_frame(const struct engine *engine)
{
    /* What is still gathering is held back, not what fills whole frames. A cork may stay for long:
     * the broker must have something to answer on meanwhile. */
    bool gathers = engine->turns > 0 || (engine->corks > 0 && parked(engine) > 0);
    if (gathers)
        return !list_empty(&engine->link->ready) ||
               (engine->turns == 0 && engine->link->n_lost > 0);
    if (link_pending(engine->link))
        return true;
    unsigned enough = engine->bulky && engine->link->ack_due ? PARKED_WHEN_BULKY : 1;
    return !engine->leaving && parked(engine) < enough;
}

static bool is_worth_waiting(const struct engine *engine)
{
    const struct link *link = engine->link;
    return list_empty(&link->ready) && link->n_lost == 0 && parked(engine) >= UNFILLED_FRAMES;
}

static void greet(struct engine *engine)
{
    unsigned n = free_exchange(engine);
    if (engine->greeted || n == ENGINE_EXCHANGES || engine->now < engine->greet_at)
        return;
    engine->greeted = true;
    engine->session++;
    engine->greet_at = engine->now + GREET_PAUSE_NS;
    session_greet(engine);
    struct wire_head head = {0};
    start_exchange(engine, n, wire_seal_frame(&engine->bare, &head));
}

void engine_flush(struct engine *engine)
{
    if (!engine->pipe)
        return;
    if (engine->state == ENGINE_GREETING)
        greet(engine);
    while (engine->state == ENGINE_READY && wants_frame(engine)) {
        unsigned n = free_exchange(engine);
        if (n == ENGINE_EXCHANGES || is_worth_waiting(engine))
            return;
        transmit(engine, n);
    }
}

void engine_begin_turn(struct engine *engine)
{
    engine->turns++;
}

void engine_end_turn(struct engine *engine, uint64_t now)
{
    engine->now = now;
    engine->turns--;
    engine_flush(engine);
}

void engine_cork(struct engine *engine)
{
    engine->corks++;
}

void engine_uncork(struct engine *engine, uint64_t now)
{
    engine->now = now;
    engine->corks--;
    engine_flush(engine);
}

/* ---- pipes ---- */

/* A broker that has started anew does not know the session, so the owner hears of it with the
 * first answer; the ping brings one soon, whatever else waits there. */
static void resume(struct engine *engine)
{
    engine->state = ENGINE_READY;
    engine->doubtful = true;
    wire_put_control(link_out(engine->link), engine_make_id(engine), 0, WIRE_PING, NULL);
}

static void end_doubt(struct engine *engine)
{
    engine->doubtful = false;
    tell_state(engine, "resumed");
}

void engine_pipe_up(struct engine *engine, uint64_t now)
{
    engine->now = engine->heard_at = now;
    engine->pipe = true;
    engine->pipe_no++;
    engine->greeted = false;
    if (engine->state == ENGINE_DOWN)
        engine_set_state(engine, ENGINE_GREETING, "");
    else if (engine->state == ENGINE_LOST)
        resume(engine);
    engine_flush(engine);
}

void engine_pipe_down(struct engine *engine, uint64_t now)
{
    engine->now = now;
    if (!engine->pipe)
        return;
    engine->pipe = false;
    engine->greeted = false;
    link_pipe_lost(engine->link, 0);
    if (engine->state == ENGINE_READY)
        controls_hurry(engine);
    if (engine->leaving)
        engine_set_state(engine, ENGINE_CLOSED, "");
    else if (engine->state == ENGINE_READY)
        engine_set_state(engine, ENGINE_LOST, "the connection was lost");
    else if (engine->state == ENGINE_GREETING)
        engine_set_state(engine, ENGINE_DOWN, "the connection was lost");
}

/* The broker answers every exchange at a goodbye; hanging up on it in the middle of that would
 * cost it the message under way. */
static void close_if_last(struct engine *engine)
{
    bool busy = false;
    for (unsigned n = 0; n < ENGINE_EXCHANGES; n++)
        busy = busy || engine->exchanges[n].busy;
    if (engine->left && !busy)
        engine_set_state(engine, ENGINE_CLOSED, "");
}

void engine_answer(struct engine *engine, unsigned n, struct slice frame, uint64_t now)
{
    struct exchange *exchange = &engine->exchanges[n];
    exchange->busy = false;
    uint32_t session = exchange->session, pipe = exchange->pipe;
    engine->heard_at = now;
    engine->bulky = frame.len > BULKY_BYTES;
    engine_begin_turn(engine);
    engine->now = now;
    if (session == engine->session)
        input_take(engine, frame);
    if (engine->doubtful && session == engine->session && pipe == engine->pipe_no)
        end_doubt(engine);
    close_if_last(engine);
    engine_end_turn(engine, now);
}

void engine_failed(struct engine *engine, unsigned n, uint64_t now)
{
    struct exchange *exchange = &engine->exchanges[n];
    exchange->busy = false;
    engine->now = now;
    if (exchange->session == engine->session && exchange->pipe == engine->pipe_no) {
        link_pipe_lost(engine->link, exchange->pipe);
        engine->greeted = false;
    }
    close_if_last(engine);
    engine_flush(engine);
}

/* ---- time ---- */

static void reset_pipe(struct engine *engine)
{
    engine->heard_at = engine->now;
    engine->io.reset(engine->io.arg);
}

static void watch_heartbeat(struct engine *engine)
{
    unsigned n = free_exchange(engine);
    if (engine->now - engine->heard_at > HEARTBEATS_MISSED * engine->heartbeat)
        reset_pipe(engine);
    else if (engine->now - engine->sent_at >= engine->heartbeat && n < ENGINE_EXCHANGES)
        transmit(engine, n);
}

void engine_tick(struct engine *engine, uint64_t now)
{
    engine_begin_turn(engine);
    engine->now = now;
    wheel_advance(&engine->wheel, now, engine);
    if (engine->pipe && engine->state == ENGINE_READY)
        watch_heartbeat(engine);
    else if (engine->greeted && now - engine->sent_at > engine->greet_timeout)
        reset_pipe(engine);
    engine_end_turn(engine, now);
}

/* ---- leaving ---- */

void engine_goodbye(struct engine *engine, uint64_t now)
{
    engine->now = now;
    if (engine->leaving)
        return;
    session_give_up(engine, STATUS_CANCELLED, "the bus was closed");
    engine->leaving = true;
    if (engine->state != ENGINE_READY) {
        engine_set_state(engine, ENGINE_CLOSED, "");
        return;
    }
    wire_put_control(link_out(engine->link), 0, 0, WIRE_GOODBYE, NULL);
    engine_flush(engine);
}

#include "door_internal.h"

#include "base/log.h"
#include "base/mem.h"
#include "listen.h"
#include "wire/wire.h"

#include <errno.h>
#include <nng/protocol/reqrep0/rep.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define RECEIVING_MIN 16u /* contexts waiting for a request after each turn */
#define RECEIVING_LOW 4u  /* so few left, a burst does not wait for the turn to end */
#define TURN_FRAMES 64u   /* after so many the turn ends, so that answers leave */
#define SENDING_MAX 32u   /* answers that wait for one pipe; more is not reading */

static void on_received(void *arg);

/* ---- exchanges ---- */

void exchange_receive(struct exchange *exchange)
{
    atomic_fetch_add(&exchange->door->receiving, 1);
    nng_ctx_recv(exchange->context, exchange->receive);
}

/* nng takes the message from the operation when it has sent it, or dropped it with its pipe. */
static bool is_sent(const struct exchange *exchange)
{
    return nng_aio_get_msg(exchange->send) == NULL;
}

/* Its peer asks without reading the answers. Each of them holds a context, so it is cut off
 * before it holds them all. */
static void keep_sending(struct exchange *exchange)
{
    struct door *door = exchange->door;
    unsigned waiting = 1;
    for (struct exchange *other = door->sending; other; other = other->next)
        waiting += other->pipe == exchange->pipe;
    exchange->next = door->sending;
    door->sending = exchange;
    if (waiting > SENDING_MAX)
        nng_pipe_close((nng_pipe){.id = exchange->pipe});
}

void exchange_answer(struct exchange *exchange, struct slice frame)
{
    nng_msg *message;
    if (nng_msg_alloc(&message, frame.len) != 0) {
        exchange_receive(exchange);
        return;
    }
    memcpy(nng_msg_body(message), frame.data, frame.len);
    nng_aio_wait(exchange->send); /* the last moments of the one before */
    nng_aio_set_msg(exchange->send, message);
    nng_ctx_send(exchange->context, exchange->send);
    if (is_sent(exchange))
        exchange_receive(exchange);
    else
        keep_sending(exchange);
}

/* Those whose pipe has become free receive again. */
static void reap_sent(struct door *door)
{
    struct exchange **at = &door->sending;
    while (*at) {
        struct exchange *exchange = *at;
        if (is_sent(exchange)) {
            *at = exchange->next;
            exchange_receive(exchange);
        } else {
            at = &exchange->next;
        }
    }
}

static void exchange_destroy(struct exchange *exchange)
{
    nng_msg_free(nng_aio_get_msg(exchange->send));
    nng_aio_free(exchange->send);
    nng_aio_free(exchange->receive);
    nng_msg_free(exchange->message);
    mem_free(exchange);
}

static int make_exchange(struct door *door)
{
    struct exchange *exchange = mem_zalloc(sizeof *exchange);
    exchange->door = door;
    int rc = nng_aio_alloc(&exchange->receive, on_received, exchange);
    if (rc == 0)
        rc = nng_aio_alloc(&exchange->send, NULL, NULL);
    if (rc == 0)
        rc = nng_ctx_open(&exchange->context, door->socket);
    if (rc != 0) {
        nng_aio_free(exchange->send);
        nng_aio_free(exchange->receive);
        mem_free(exchange);
        return rc;
    }
    exchange->next_made = door->made;
    door->made = exchange;
    door->n_made++;
    exchange_receive(exchange);
    return 0;
}

/* A socket with no context waiting stops reading: there are always some to spare. With the
 * lock. */
static void keep_receiving(struct door *door)
{
    while (!door->closing && atomic_load(&door->receiving) < RECEIVING_MIN &&
           door->n_made < door->max_exchanges) {
        if (make_exchange(door) != 0) {
            log_event(LOG_WARN, "door.no_more_contexts", NULL);
            return;
        }
    }
}

static void enqueue(struct door *door, struct exchange *exchange)
{
    exchange->next = NULL;
    *door->inbox_end = exchange;
    door->inbox_end = &exchange->next;
}

static bool belongs_to_a_session(const nng_msg *message)
{
    struct wire_frame frame;
    struct arena arena;
    arena_init(&arena);
    int rc = wire_read_frame(
        &frame, slice_make(nng_msg_body((nng_msg *)(uintptr_t)message), nng_msg_len(message)),
        &arena);
    bool yes = rc == 0 && frame.has_session;
    arena_finish(&arena);
    return yes;
}

/* With every context taken there is no room to hold the request. A session loses its pipe and
 * sends the frame again by the next; anybody else is told. */
static void turn_away(struct exchange *exchange, const nng_msg *message)
{
    struct wire_out out;
    Farebox__V1__Error error = FAREBOX__V1__ERROR__INIT;
    if (belongs_to_a_session(message)) {
        nng_pipe_close((nng_pipe){.id = exchange->pipe});
        exchange_receive(exchange);
        return;
    }
    error.status = FAREBOX__V1__STATUS__OVERLOADED;
    error.message = (char *)(uintptr_t) "the broker holds as many requests as it can";
    wire_out_init(&out);
    wire_put_control(&out, 0, 0, WIRE_ERROR, &error.base);
    exchange_answer(exchange, wire_seal_frame(&out, &(struct wire_head){0}));
    wire_out_finish(&out);
}

/* ---- the crank ---- */

static void take_opened(struct door *door, const struct pipe_event *event)
{
    for (; event; event = event->next) {
        if (event->opened)
            core_pipe_opened(door->core, event->pipe);
    }
}

static void take_closed(struct door *door, struct pipe_event *event)
{
    while (event) {
        struct pipe_event *next = event->next;
        if (!event->opened)
            core_pipe_lost(door->core, event->pipe);
        mem_free(event);
        event = next;
    }
}

static unsigned take_frames(struct door *door, struct exchange *exchange)
{
    unsigned count = 0;
    while (exchange) {
        struct exchange *next = exchange->next;
        nng_msg *message = exchange->message;
        exchange->pipe = (uint32_t)nng_pipe_id(nng_msg_get_pipe(message));
        exchange->message = NULL;
        if (exchange->unwelcome)
            turn_away(exchange, message);
        else
            core_frame(door->core, exchange, exchange->pipe,
                       slice_make(nng_msg_body(message), nng_msg_len(message)));
        nng_msg_free(message);
        exchange = next;
        count++;
    }
    return count;
}

static void take_kept(struct door *door)
{
    uint64_t kept = atomic_load(&door->kept);
    if (kept == door->kept_told)
        return;
    door->kept_told = kept;
    core_kept(door->core, kept);
}

static bool has_work(const struct door *door)
{
    return door->inbox || door->events;
}

/* Opened before, closed after: an event is queued before the first frame of its pipe, and
 * what a closed pipe still brought is worth hearing. Called with the lock, which it lets go of. */
static unsigned take_all(struct door *door)
{
    struct exchange *frames = door->inbox;
    struct pipe_event *events = door->events;
    door->inbox = NULL;
    door->inbox_end = &door->inbox;
    door->events = NULL;
    door->events_end = &door->events;
    pthread_mutex_unlock(&door->inbox_lock);
    take_opened(door, events);
    unsigned count = take_frames(door, frames);
    take_closed(door, events);
    pthread_mutex_lock(&door->inbox_lock);
    return count;
}

static void wake_if_due_earlier(struct door *door)
{
    uint64_t due = core_next_due(door->core);
    if (due < atomic_load(&door->waiting_until)) {
        atomic_store(&door->waiting_until, due);
        uint64_t one = 1;
        (void)!write(door->wake, &one, sizeof one);
    }
}

/* One turn after the other until nothing is left to do. With the lock; `turning` is ours. */
static void turn(struct door *door)
{
    do {
        core_begin(door->core, clock_now());
        take_kept(door);
        prober_take(door->prober, core_probed, door->core);
        unsigned frames = 0;
        while (has_work(door) && frames < TURN_FRAMES)
            frames += take_all(door);
        pthread_mutex_unlock(&door->inbox_lock);
        core_finish(door->core);
        reap_sent(door);
        pthread_mutex_lock(&door->inbox_lock);
        keep_receiving(door);
    } while (has_work(door) && !door->closing);
    wake_if_due_earlier(door);
}

static void crank(struct door *door)
{
    if (door->turning || door->closing)
        return;
    door->turning = true;
    turn(door);
    door->turning = false;
    pthread_cond_broadcast(&door->turned);
}

static void on_message(struct exchange *exchange)
{
    struct door *door = exchange->door;
    unsigned left = atomic_fetch_sub(&door->receiving, 1) - 1;
    exchange->message = nng_aio_get_msg(exchange->receive);
    pthread_mutex_lock(&door->inbox_lock);
    if (left < RECEIVING_LOW)
        keep_receiving(door);
    exchange->unwelcome = left == 0 && door->n_made >= door->max_exchanges;
    enqueue(door, exchange);
    crank(door);
    pthread_mutex_unlock(&door->inbox_lock);
}

static void on_received(void *arg)
{
    struct exchange *exchange = arg;
    int rc = nng_aio_result(exchange->receive);
    if (rc == 0) {
        on_message(exchange);
    } else if (rc != NNG_ECLOSED && rc != NNG_ECANCELED) {
        atomic_fetch_sub(&exchange->door->receiving, 1);
        exchange_receive(exchange);
    }
}

/* ---- pipes ---- */

static void poke(struct door *door)
{
    uint64_t one = 1;
    (void)!write(door->wake, &one, sizeof one);
}

/* nng calls this with locks of its own held, so the core is left to another thread. */
static void on_pipe(nng_pipe pipe, nng_pipe_ev what, void *arg)
{
    struct door *door = arg;
    bool opened = what == NNG_PIPE_EV_ADD_PRE;
    if (opened) {
        if (atomic_fetch_add(&door->connections, 1) >= atomic_load(&door->max_connections))
            nng_pipe_close(pipe);
    } else {
        atomic_fetch_sub(&door->connections, 1);
    }
    struct pipe_event *event = mem_zalloc(sizeof *event);
    event->pipe = (uint32_t)nng_pipe_id(pipe);
    event->opened = opened;
    pthread_mutex_lock(&door->inbox_lock);
    *door->events_end = event;
    door->events_end = &event->next;
    bool somebody = door->turning;
    pthread_mutex_unlock(&door->inbox_lock);
    if (!somebody)
        poke(door);
}

/* On the prober's thread. */
static void on_probed(void *arg)
{
    poke(arg);
}

/* On the store's thread, or on ours in the middle of a turn. */
static void on_kept(void *arg, uint64_t mark)
{
    struct door *door = arg;
    atomic_store(&door->kept, mark);
    poke(door);
}

/* ---- life ---- */

int door_create(struct door **out, const struct door_options *options)
{
    struct door *door = mem_zalloc(sizeof *door);
    door->max_exchanges = options->max_exchanges;
    door->store = options->store;
    door->ledger = options->ledger;
    door->inbox_end = &door->inbox;
    door->events_end = &door->events;
    pthread_mutex_init(&door->inbox_lock, NULL);
    pthread_cond_init(&door->turned, NULL);
    atomic_store(&door->waiting_until, UINT64_MAX);
    door->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    door->feeds = feeds_door_create(options->feeds_dir);
    door->prober = prober_create(on_probed, door);
    if (door->wake < 0 || !door->feeds || nng_rep0_open(&door->socket) != 0) {
        door_destroy(door);
        return -EMFILE;
    }
    if (door->store)
        store_watch(door->store, on_kept, door);
    nng_pipe_notify(door->socket, NNG_PIPE_EV_ADD_PRE, on_pipe, door);
    nng_pipe_notify(door->socket, NNG_PIPE_EV_REM_POST, on_pipe, door);
    *out = door;
    return 0;
}

void door_allow_probes(struct door *door, const struct allow_list *list, const char *ca_file)
{
    prober_allow(door->prober, list, ca_file);
}

void door_limit_connections(struct door *door, unsigned most)
{
    atomic_store(&door->max_connections, most);
}

int door_run(struct door *door, struct core *core, const struct settings *settings, char *why)
{
    door->core = core;
    pthread_mutex_lock(&door->inbox_lock);
    keep_receiving(door);
    pthread_mutex_unlock(&door->inbox_lock);
    for (size_t i = 0; i < settings->listen.n; i++) {
        int rc = listen_on(door->socket, settings->listen.items[i], settings, why);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static void take_the_crank(struct door *door)
{
    pthread_mutex_lock(&door->inbox_lock);
    while (door->turning)
        pthread_cond_wait(&door->turned, &door->inbox_lock);
    door->turning = true;
}

static void leave_the_crank(struct door *door)
{
    door->turning = false;
    pthread_cond_broadcast(&door->turned);
    pthread_mutex_unlock(&door->inbox_lock);
}

void door_turn(struct door *door, void (*task)(struct core *core, void *arg), void *arg)
{
    take_the_crank(door);
    pthread_mutex_unlock(&door->inbox_lock);
    core_begin(door->core, clock_now());
    task(door->core, arg);
    core_finish(door->core);
    pthread_mutex_lock(&door->inbox_lock);
    turn(door);
    leave_the_crank(door);
}

static int ms_until(uint64_t due, int most)
{
    uint64_t now = clock_mono_ns();
    if (due <= now)
        return 0;
    uint64_t ms = (due - now + NS_PER_MS - 1) / NS_PER_MS;
    return ms < (uint64_t)most ? (int)ms : most;
}

static uint64_t next_due(struct door *door)
{
    take_the_crank(door);
    uint64_t due = core_next_due(door->core);
    atomic_store(&door->waiting_until, due);
    leave_the_crank(door);
    return due;
}

bool door_wait(struct door *door, int fd, int most_ms)
{
    struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = door->wake, .events = POLLIN}};
    uint64_t due = next_due(door), count;
    int ready = poll(fds, 2, ms_until(due, most_ms));

    if (ready > 0 && fds[1].revents)
        (void)!read(door->wake, &count, sizeof count);
    take_the_crank(door);
    turn(door);
    leave_the_crank(door);
    return ready > 0 && fds[0].revents;
}

/* Operations end first, while the socket is whole: nng lets go of a closing socket's lock under a
 * callback that has just asked for the next operation. */
void door_close(struct door *door)
{
    pthread_mutex_lock(&door->inbox_lock);
    while (door->turning)
        pthread_cond_wait(&door->turned, &door->inbox_lock);
    door->closing = true;
    pthread_mutex_unlock(&door->inbox_lock);
    for (struct exchange *exchange = door->made; exchange; exchange = exchange->next_made) {
        nng_aio_stop(exchange->send);
        nng_aio_stop(exchange->receive);
    }
    if (door->socket.id)
        nng_close(door->socket);
    door->socket.id = 0;
}

void door_destroy(struct door *door)
{
    if (!door)
        return;
    door_close(door);
    prober_destroy(door->prober);
    if (door->store)
        store_watch(door->store, NULL, NULL);
    for (struct exchange *next; door->made; door->made = next) {
        next = door->made->next_made;
        exchange_destroy(door->made);
    }
    for (struct pipe_event *next; door->events; door->events = next) {
        next = door->events->next;
        mem_free(door->events);
    }
    feeds_door_destroy(door->feeds);
    if (door->wake >= 0)
        close(door->wake);
    pthread_cond_destroy(&door->turned);
    pthread_mutex_destroy(&door->inbox_lock);
    mem_free(door);
}

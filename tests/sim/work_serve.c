#include "keyed.h"
#include "message.h"
#include "work.h"
#include "world.h"

#include "base/mem.h"

#define SLOW_MAX_MS 1200u
#define PARTS_MAX 5u

/* A request that is not answered at once. */
struct task {
    struct list node; /* in world.tasks */
    struct peer *peer;
    uint32_t life, session;
    uint64_t id; /* the broker's, of the request */
    unsigned number;
    unsigned nested;     /* the call it waits for */
    unsigned part, last; /* of a stream */
    struct buf payload;
};

static void task_free(struct task *task)
{
    list_remove(&task->node);
    buf_finish(&task->payload);
    mem_free(task);
}

void work_serve_finish(struct world *world)
{
    for (struct list *node; (node = list_first(&world->tasks));)
        task_free(LIST_ENTRY(node, struct task, node));
}

static struct task *task_create(struct peer *peer, uint64_t id, unsigned number,
                                struct slice payload)
{
    struct task *task = mem_zalloc(sizeof *task);
    task->peer = peer;
    task->life = peer->life;
    task->session = peer->session;
    task->id = id;
    task->number = number;
    buf_append(&task->payload, payload.data, payload.len);
    list_push(&peer->world->tasks, &task->node);
    return task;
}

/* Once its session has ended a request's id means nothing any more. */
static bool task_void(const struct task *task)
{
    return !task->peer->alive || task->peer->life != task->life ||
           task->peer->session != task->session;
}

static void answer(struct peer *peer, uint64_t id, enum status status, struct slice payload)
{
    const struct wire_reply reply = {.status = status, .payload = payload};
    engine_reply(peer->engine, id, &reply);
}

static void answer_task(struct task *task, enum status status, struct slice payload)
{
    struct world *world = task->peer->world;
    struct called *called = &world->books.calls[task->number];
    if (!called->answered_in)
        called->answered_in = world_month(world);
    answer(task->peer, task->id, status, payload);
}

/* ---- what takes time ---- */

static void answer_slowly(struct world *world, void *arg, uint64_t number)
{
    struct task *task = arg;
    if (!task_void(task)) {
        if (peer_postpones(world, task->peer, answer_slowly, arg, number))
            return;
        answer_task(task, STATUS_OK, buf_slice(&task->payload));
    }
    task_free(task);
}

static void stream_on(struct world *world, void *arg, uint64_t number)
{
    struct task *task = arg;
    if (task_void(task)) {
        task_free(task);
        return;
    }
    if (peer_postpones(world, task->peer, stream_on, arg, number))
        return;
    if (task->part == task->last) {
        answer_task(task, STATUS_OK, buf_slice(&task->payload));
        task_free(task);
        return;
    }
    struct buf bytes = {0};
    const struct message message = {world->books.calls[task->number].user->tenant, MESSAGE_PART,
                                    task->number, 30 + task->part};
    message_write(&bytes, &message);
    const struct wire_part part = {.payload = buf_slice(&bytes), .index = task->part++};
    engine_part(task->peer->engine, task->id, &part);
    buf_finish(&bytes);
    agenda_add(&world->agenda, world->now + dice_below(&world->dice, 20 * NS_PER_MS), stream_on,
               task, 0);
}

static void die(struct world *world, void *arg, uint64_t stamp)
{
    struct peer *peer = arg;
    if (peer_stale(peer, stamp))
        return;
    peer_kill(peer);
    peer_restart_at(peer, world->now + dice_between(&world->dice, NS_PER_MS, 300 * NS_PER_MS));
}

/* ---- nested calls ---- */

static void call_beneath(struct task *task, struct slice credential)
{
    struct peer *peer = task->peer;
    struct world *world = peer->world;
    const struct called *parent = &world->books.calls[task->number];
    struct called plan = {.caller = peer,
                          .life = peer->life,
                          .user = parent->user,
                          .actor = peer->user,
                          .length = 40,
                          .depth = parent->depth + 1,
                          .parent = task->number,
                          .shaky = true};
    plan.service = dice_below(&world->dice, VAULT + 1);
    plan.method = dice_chance(&world->dice, 500) ? NEST : ECHO;
    plan.timeout_ms = (uint32_t)dice_between(&world->dice, 20, 5000);
    plan.forbidden = work_must_refuse(world, &plan);
    const struct call_extras extras = {.credential = credential, .parent = task->id};
    task->nested = world->books.n_calls + 1; /* it may end before we are back */
    work_call(peer, &plan, &extras);
}

void work_nested_over(struct peer *peer, unsigned number, const struct wire_reply *reply)
{
    for (struct list *node = peer->world->tasks.next; node != &peer->world->tasks;
         node = node->next) {
        struct task *task = LIST_ENTRY(node, struct task, node);
        if (task->nested != number)
            continue;
        if (!task_void(task))
            answer_task(task, reply->status == STATUS_OK ? STATUS_OK : STATUS_INTERNAL,
                        buf_slice(&task->payload));
        task_free(task);
        return;
    }
}

/* ---- contexts kept for later ---- */

static Farebox__V1__Context *read_context(struct slice credential)
{
    struct wire_credential parts;
    if (wire_read_credential(&parts, credential) < 0 || parts.context.len == 0)
        return NULL;
    return farebox__v1__context__unpack(NULL, parts.context.len, parts.context.data);
}

void work_keep(struct peer *peer, const struct hoarded *what, struct slice credential)
{
    Farebox__V1__Context *context = read_context(credential);
    if (!context || dice_chance(&peer->world->dice, 500))
        goto done;
    struct hoarded *kept = books_hoard(&peer->world->books);
    struct buf bytes = kept->credential;
    buf_append(&bytes, credential.data, credential.len);
    *kept = *what;
    kept->holder = peer;
    kept->tenant = peer->user->tenant;
    kept->boot = peer->world->bus.boot;
    kept->depth = context->depth;
    kept->expires_ms = context->expires_ms;
    kept->credential = bytes;
done:
    if (context)
        farebox__v1__context__free_unpacked(context, NULL);
}

static bool out_of_date(const struct world *world, const struct hoarded *given)
{
    return given->boot != world->bus.boot || given->expires_ms <= world_moment(world).unix_ms;
}

/* Not the service it was issued to: another name, or a tenant's own instead of the shared
 * one. */
static bool anothers(const struct peer *peer, const struct hoarded *given)
{
    if (given->event)
        return peer->user != given->holder->user;
    return !(peer->serves & 1u << given->service) || peer->owns != given->owned ||
           (peer->owns && peer->user->tenant != given->tenant);
}

void work_replay(struct peer *peer)
{
    struct world *world = peer->world;
    const struct hoarded *given = books_any_hoarded(&world->books, &world->dice);
    if (!given)
        return;
    struct buf credential = {0};
    buf_append(&credential, given->credential.data, given->credential.len);
    bool spoilt = dice_chance(&world->dice, 300);
    if (spoilt)
        flip_a_bit(&world->dice, &credential);
    struct called plan = {.caller = peer,
                          .life = peer->life,
                          .user = given->user,
                          .actor = peer->user,
                          .service = ORDERS,
                          .method = ECHO,
                          .length = 40,
                          .timeout_ms = 500,
                          .depth = given->depth + 1,
                          .shaky = true};
    plan.forbidden = spoilt || out_of_date(world, given) || anothers(peer, given) ||
                     work_must_refuse(world, &plan);
    TRACE(world, "%s presents a context of %s issued to %s%s", peer->user->name, given->user->name,
          service_names[given->service], spoilt ? ", spoilt" : "");
    work_call(peer, &plan, &(struct call_extras){.credential = buf_slice(&credential)});
    buf_finish(&credential);
}

/* ---- a request ---- */

static void do_as_told(struct peer *peer, struct task *task, struct slice credential)
{
    struct world *world = peer->world;
    const struct called *called = &world->books.calls[task->number];
    switch (called->method) {
    case SLOW:
        agenda_add(&world->agenda, world->now + dice_below(&world->dice, SLOW_MAX_MS) * NS_PER_MS,
                   answer_slowly, task, 0);
        return;
    case STREAM:
        task->last = dice_below(&world->dice, PARTS_MAX);
        stream_on(world, task, 0);
        return;
    case NEST:
        call_beneath(task, credential);
        return;
    case DROP:
        agenda_add(&world->agenda, world->now, die, peer, peer_stamp(peer, 0));
        break;
    case NEVER:
        break;
    case FAIL:
        answer_task(task, STATUS_INTERNAL, slice_of(""));
        break;
    default:
        answer_task(task, STATUS_OK, buf_slice(&task->payload));
        break;
    }
    task_free(task);
}

/* Each time another one, that says whose service gave it. */
static void write_answer(struct buf *out, const struct peer *peer, const struct serving *serving)
{
    const struct called *called = serving->called;
    const struct message message = {called->user->tenant, MESSAGE_CALL, serving->number,
                                    keyed_answer_length(called, peer->owns)};
    message_write(out, &message);
}

static void serve_ours(struct peer *peer, uint64_t id, const struct serving *serving,
                       struct slice credential)
{
    struct world *world = peer->world;
    struct called *called = serving->called;
    called->served++;
    called->served_at = world->now;
    called->served_in = peer->user->tenant;
    called->served_timeout_ms = serving->request->timeout_ms;
    observe_served(world, peer, serving);
    if (world->breach.broken || !serving->context)
        return;
    const struct hoarded what = {
        .user = called->user, .service = called->service, .owned = peer->owns};
    work_keep(peer, &what, credential);
    /* At the end nothing may crowd the markers out. */
    if (world->phase != PHASE_PROBING && dice_chance(&world->dice, 60))
        work_publish_for(peer, called->user, credential);
    struct task *task = task_create(peer, id, serving->number, serving->request->payload);
    if (called->keyed) {
        task->payload.len = 0;
        write_answer(&task->payload, peer, serving);
    }
    do_as_told(peer, task, credential);
}

void work_serve(struct peer *peer, uint64_t id, const struct wire_request *request,
                struct slice credential)
{
    struct world *world = peer->world;
    struct message message;
    Farebox__V1__Context *context = read_context(credential);
    struct serving serving = {.request = request, .context = context};
    bool ours = message_read(&message, request->payload) && message.kind == MESSAGE_CALL &&
                message.number > 0 && message.number <= world->books.n_calls;
    TRACE(world, "%s gets %.*s.%.*s, call %u, %u ms left", peer->user->name,
          SLICE_FMT(request->service), SLICE_FMT(request->method), ours ? message.number : 0,
          request->timeout_ms);
    if (ours) {
        serving.number = message.number;
        serving.called = &world->books.calls[message.number];
        serve_ours(peer, id, &serving, credential);
    } else {
        observe_served(world, peer, &serving);
        answer(peer, id, STATUS_OK, request->payload);
    }
    if (context)
        farebox__v1__context__free_unpacked(context, NULL);
}

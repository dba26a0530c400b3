#include "crew.h"

#include "../testing.h"

#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define WINDOW 8u /* calls in flight of each */
#define CALL_MS 5000u
#define METHODS 3u

static const char *const serves[] = {"serve:*", NULL};
static const char *const calls[] = {"call:*", NULL};

void crew_name(unsigned client, char name[16])
{
    snprintf(name, 16, "client-%u", client);
}

static void *shared(size_t size)
{
    void *made = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(made != MAP_FAILED);
    return made;
}

/* In the child. The broker may be down: it waits for it. */
static fbx_bus *join(struct place *place, const char *tenant, const char *user,
                     const char *const *permissions)
{
    char *token = place_token(place, tenant, user, "pro", permissions);
    const fbx_options options = {.url = place->url,
                                 .token = token,
                                 .name = user,
                                 .wait_for_broker = true,
                                 .connect_timeout_ms = PLACE_PATIENCE_MS};
    fbx_bus *bus = NULL;
    if (fbx_connect(&bus, &options) != 0)
        _exit(1);
    free(token);
    return bus;
}

/* ---- the server ---- */

static void serve_one(void *arg, fbx_request *request)
{
    struct crew *crew = arg;
    const char *user = fbx_context_user(fbx_request_context(request));
    unsigned client = (unsigned)strtoul(user + strlen("client-"), NULL, 10);
    atomic_fetch_add(&crew->tallies[client].served, 1);
    fbx_respond(request, fbx_request_payload(request), NULL);
}

static void serve(struct crew *crew)
{
    fbx_bus *bus = join(crew->place, "platform", "server", serves);
    const fbx_service service = {
        .name = "work", .handler = serve_one, .arg = crew, .on_io_thread = true};
    while (fbx_serve(bus, &service) != 0)
        usleep(1000); /* the broker died meanwhile */
    for (;;)
        pause();
}

/* ---- a client ---- */

struct calling {
    struct crew *crew;
    struct crew_tally *tally;
    fbx_bus *bus;
    sem_t free; /* places in the window */
};

static void on_reply(void *arg, const fbx_reply *reply)
{
    struct calling *calling = arg;
    if (fbx_reply_status(reply) == FBX_OK)
        atomic_fetch_add(&calling->tally->received, 1);
    atomic_fetch_sub(&calling->tally->in_flight, 1);
    sem_post(&calling->free);
}

static void call_once(struct calling *calling, uint64_t number)
{
    static const char *const methods[METHODS] = {"get", "put", "list"};
    const fbx_call_options options = {.timeout_ms = CALL_MS, .idempotent = number % 2};
    sem_wait(&calling->free);
    atomic_fetch_add(&calling->tally->started, 1);
    atomic_fetch_add(&calling->tally->in_flight, 1);
    if (fbx_call_async(calling->bus, "work", methods[number % METHODS], (fbx_bytes){"x", 1},
                       &options, on_reply, calling, NULL) == 0)
        return;
    atomic_fetch_sub(&calling->tally->in_flight, 1);
    sem_post(&calling->free);
    usleep(1000);
}

static void call_for_ever(struct crew *crew, unsigned client)
{
    char name[16];
    struct calling calling = {.crew = crew, .tally = &crew->tallies[client]};
    crew_name(client, name);
    sem_init(&calling.free, 0, WINDOW);
    calling.bus = join(crew->place, "acme", name, calls);
    for (uint64_t number = 0;; number++) {
        while (client == 0 && atomic_load(crew->paused))
            usleep(500);
        call_once(&calling, number);
    }
}

/* ---- the crew ---- */

static pid_t fork_one(struct crew *crew, unsigned client)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (client < CREW_CLIENTS)
        call_for_ever(crew, client);
    serve(crew);
    _exit(1);
}

static void end_one(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

struct crew *crew_create(struct place *place)
{
    struct crew *crew = calloc(1, sizeof *crew);
    assert_non_null(crew);
    crew->place = place;
    crew->tallies = shared(CREW_CLIENTS * sizeof *crew->tallies);
    crew->paused = shared(sizeof *crew->paused);
    crew->server = fork_one(crew, CREW_CLIENTS);
    for (unsigned i = 0; i < CREW_CLIENTS; i++)
        crew->clients[i] = fork_one(crew, i);
    return crew;
}

void crew_stop(struct crew *crew)
{
    for (unsigned i = 0; i < CREW_CLIENTS; i++)
        end_one(crew->clients[i]);
    end_one(crew->server);
}

void crew_destroy(struct crew *crew)
{
    munmap(crew->tallies, CREW_CLIENTS * sizeof *crew->tallies);
    munmap(crew->paused, sizeof *crew->paused);
    free(crew);
}

void crew_replace_client(struct crew *crew, unsigned client)
{
    end_one(crew->clients[client]);
    atomic_store(&crew->tallies[client].in_flight, 0);
    crew->clients[client] = fork_one(crew, client);
}

void crew_replace_server(struct crew *crew)
{
    end_one(crew->server);
    crew->server = fork_one(crew, CREW_CLIENTS);
}

struct goal {
    const struct crew *crew;
    uint64_t received[CREW_CLIENTS];
};

static bool reached(void *arg)
{
    const struct goal *goal = arg;
    for (unsigned i = 0; i < CREW_CLIENTS; i++) {
        if (atomic_load(&goal->crew->tallies[i].received) < goal->received[i])
            return false;
    }
    return true;
}

void crew_work(const struct crew *crew, uint64_t replies)
{
    struct goal goal = {.crew = crew};
    for (unsigned i = 0; i < CREW_CLIENTS; i++)
        goal.received[i] = atomic_load(&crew->tallies[i].received) + replies;
    if (!eventually(reached, &goal))
        fail_msg("somebody gets no replies");
}

static bool at_rest(void *arg)
{
    const struct crew *crew = arg;
    return atomic_load(&crew->tallies[0].in_flight) == 0;
}

/* It may be about to begin one more: it looks before it calls. */
void crew_pause(struct crew *crew)
{
    uint64_t started;
    atomic_store(crew->paused, true);
    do {
        started = atomic_load(&crew->tallies[0].started);
        if (!eventually(at_rest, crew))
            fail_msg("client 0 does not come to rest");
        usleep(2000);
    } while (started != atomic_load(&crew->tallies[0].started));
}

void crew_resume(struct crew *crew)
{
    atomic_store(crew->paused, false);
}

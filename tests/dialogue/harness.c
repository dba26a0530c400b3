#include "harness.h"

#include "base/slice.h"
#include "token/token.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <netinet/in.h>
#include <nng/nng.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define ARGV_MAX 32
#define SLOTS 16u

/* ---- small things ---- */

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

bool eventually(bool (*done)(void *arg), void *arg)
{
    uint64_t give_up = now_ms() + PLACE_PATIENCE_MS;
    while (!done(arg)) {
        if (now_ms() > give_up)
            return false;
        poll(NULL, 0, 5);
    }
    return true;
}

/* The tests lie in BUILD/tests/dialogue. */
void build_path(char *out, size_t size, const char *below)
{
    char self[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(len > 0);
    self[len] = '\0';
    for (int up = 0; up < 3; up++)
        *strrchr(self, '/') = '\0';
    snprintf(out, size, "%s/%s", self, below);
}

static void program_path(char *out, size_t size, const char *name)
{
    char below[64];
    if (strchr(name, '/')) {
        snprintf(out, size, "%s", name);
        return;
    }
    snprintf(below, sizeof below, "bin/%s", name);
    build_path(out, size, below);
}

static int some_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

/* Whoever runs at the same time, which tests/run numbers, could be given the same before it is
 * taken. Kernels give every second port only. */
int free_port(void)
{
    const char *slot = getenv("FAREBOX_SLOT");
    unsigned mine = slot ? (unsigned)strtoul(slot, NULL, 10) % SLOTS : 0;
    int port;
    do
        port = some_free_port();
    while (slot && (unsigned)port / 2 % SLOTS != mine);
    return port;
}

/* ---- processes ---- */

/* See tests/leaks.txt; the broker does without. */
static void tolerate_leaks_of_nng(void)
{
    setenv("LSAN_OPTIONS", "suppressions=tests/leaks.txt:print_suppressions=0", 1);
}

static void become(const char *path, const char *const *argv, int out)
{
    if (strcmp(argv[0], "fareboxd") != 0)
        tolerate_leaks_of_nng();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    execvp(path, (char *const *)(uintptr_t)argv);
    dprintf(out, "cannot run %s: %s\n", path, strerror(errno));
    _exit(127);
}

static struct process spawn(const char *const *argv)
{
    char path[PATH_MAX + 64];
    int ends[2];
    program_path(path, sizeof path, argv[0]);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        become(path, argv, ends[1]);
    close(ends[1]);
    return (struct process){.pid = pid, .out = ends[0]};
}

static int reap(struct process *process)
{
    int status = 0;
    while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR)
        ;
    close(process->out);
    process->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void process_freeze(pid_t pid)
{
    siginfo_t info;
    assert_int_equal(kill(pid, SIGSTOP), 0);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WSTOPPED), 0);
}

int process_stop(struct process *process, int signal)
{
    if (process->pid == 0)
        return 0;
    kill(process->pid, signal);
    return reap(process);
}

/* One byte at a time: what follows the line stays in the pipe. Patience applies to each. */
static bool read_line(int fd, char *line, size_t size)
{
    size_t len = 0;
    for (;;) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        char byte;
        if (poll(&ready, 1, PLACE_PATIENCE_MS) != 1 || read(fd, &byte, 1) != 1)
            return false;
        if (byte == '\n')
            break;
        if (len + 1 < size)
            line[len++] = byte;
    }
    line[len] = '\0';
    return true;
}

bool process_line(struct process *process, const char *start, char *line, size_t size)
{
    while (read_line(process->out, line, size)) {
        if (strncmp(line, start, strlen(start)) == 0)
            return true;
        print_message("  | %s\n", line);
    }
    return false;
}

struct process *place_start(struct place *place, const char *ready, const char *const *argv)
{
    char line[512];
    assert_true(place->n_others < PLACE_PROCESSES);
    struct process *process = &place->others[place->n_others++];
    *process = spawn(argv);
    if (ready && !process_line(process, ready, line, sizeof line))
        fail_msg("%s never said \"%s\"", argv[0], ready);
    return process;
}

int place_run(struct place *place, char *out, size_t size, const char *const *argv)
{
    (void)place;
    struct process process = spawn(argv);
    size_t len = 0;
    for (;;) {
        char rest[512];
        bool room = len + 1 < size;
        ssize_t got =
            read(process.out, room ? out + len : rest, room ? size - 1 - len : sizeof rest);
        if (got <= 0)
            break;
        if (room)
            len += (size_t)got;
    }
    if (size > 0)
        out[len] = '\0';
    return reap(&process);
}

/* ---- the place ---- */

static void write_secret(struct place *place)
{
    unsigned char bytes[32];
    char text[65];
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2hex(text, sizeof text, bytes, sizeof bytes);
    int fd = open(place->secret, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, 64), 64);
    close(fd);
    assert_int_equal(token_key_load(&place->key, place->secret, NULL, NULL), 0);
}

/* nng frees closed connections on threads of its own, which exit() does not wait for. */
static void end_nng_at_exit(void)
{
    static bool done;
    if (!done)
        assert_int_equal(atexit(nng_fini), 0);
    done = true;
}

struct place *place_create(void)
{
    struct place *place = calloc(1, sizeof *place);
    assert_non_null(place);
    end_nng_at_exit();
    assert_true(sodium_init() >= 0);
    const char *tmp = getenv("TMPDIR");
    snprintf(place->dir, sizeof place->dir, "%s/farebox-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(place->dir));
    snprintf(place->url, sizeof place->url, "ipc://%s/bus", place->dir);
    snprintf(place->data, sizeof place->data, "%s/data", place->dir);
    snprintf(place->secret, sizeof place->secret, "%s/secret", place->dir);
    write_secret(place);
    return place;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

void place_destroy(struct place *place)
{
    for (size_t i = 0; i < place->n_others; i++)
        process_stop(&place->others[i], SIGKILL);
    /* A test that failed may have left it stopped. */
    if (place->broker.pid != 0)
        kill(place->broker.pid, SIGCONT);
    assert_int_equal(process_stop(&place->broker, SIGTERM), 0);
    token_key_destroy(place->key);
    nftw(place->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(place);
}

static bool names_tiers(const char *const *flags)
{
    for (; flags && *flags; flags++) {
        if (strcmp(*flags, "--tier") == 0 || strcmp(*flags, "--config") == 0)
            return true;
    }
    return false;
}

bool place_try_broker(struct place *place, const char *const *flags)
{
    const char *argv[ARGV_MAX] = {"fareboxd",  "--listen",          place->url,   "--data",
                                  place->data, "--jwt-secret-file", place->secret};
    /* Conversations are quicker than people; those about the limits bring their own. */
    static const char *const unlimited[] = {"--tier", "free",       "--tier", "pro",
                                            "--tier", "enterprise", NULL};
    char line[512];
    size_t n = 7;
    for (size_t i = 0; !names_tiers(flags) && unlimited[i]; i++)
        argv[n++] = unlimited[i];
    for (; flags && *flags; flags++)
        argv[n++] = *flags;
    place->broker = spawn(argv);
    if (process_line(&place->broker, "fareboxd ready", line, sizeof line))
        return true;
    process_stop(&place->broker, SIGKILL);
    return false;
}

void place_start_broker(struct place *place, const char *const *flags)
{
    if (!place_try_broker(place, flags))
        fail_msg("the broker did not become ready");
}

int place_stop_broker(struct place *place, int signal)
{
    return process_stop(&place->broker, signal);
}

void place_change_secret(const struct place *place)
{
    static const char secret[] = "another secret of thirty-two bytes or more";
    int fd = open(place->secret, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, secret, sizeof secret - 1), sizeof secret - 1);
    (void)close(fd);
}

/* ---- tokens and connections ---- */

char *place_token(struct place *place, const char *tenant, const char *user, const char *tier,
                  const char *const *permissions)
{
    size_t n = 0;
    int64_t now = (int64_t)time(NULL);
    while (permissions && permissions[n])
        n++;
    struct token_claims claims = {
        .tenant = (char *)(uintptr_t)tenant,
        .user = (char *)(uintptr_t)user,
        .tier = (char *)(uintptr_t)tier,
        .subscription_status = (char *)(uintptr_t) "active",
        .permissions = (char **)(uintptr_t)permissions,
        .n_permissions = n,
        .issued_s = now,
        .expires_s = now + 3600,
    };
    char *token = token_mint(place->key, &claims, now);
    assert_non_null(token);
    return token;
}

char *place_token_file(struct place *place, const char *tenant, const char *user,
                       const char *const *permissions)
{
    char *token = place_token(place, tenant, user, "pro", permissions);
    char *path = malloc(PATH_MAX);
    assert_non_null(path);
    snprintf(path, PATH_MAX, "%s/%s-%s.token", place->dir, tenant, user);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, token, strlen(token)), (ssize_t)strlen(token));
    close(fd);
    free(token);
    return path;
}

fbx_bus *place_connect(struct place *place, const char *tenant, const char *user,
                       const char *const *permissions)
{
    char *token = place_token(place, tenant, user, "pro", permissions);
    fbx_options options = {.url = place->url, .token = token, .name = user};
    fbx_bus *bus = NULL;
    int rc = fbx_connect(&bus, &options);
    free(token);
    if (rc != 0)
        fail_msg("connect as %s/%s: %s %s", tenant, user, fbx_error_text(rc), fbx_last_error());
    return bus;
}

int call_text(fbx_bus *bus, const char *service, const char *method, const char *text, char *reply,
              size_t size)
{
    fbx_reply *answer = NULL;
    int rc = fbx_call(bus, service, method, (fbx_bytes){text, strlen(text)}, NULL, &answer);
    if (rc != 0)
        fail_msg("call %s.%s: %s", service, method, fbx_error_text(rc));
    int status = fbx_reply_status(answer);
    fbx_bytes payload = fbx_reply_payload(answer);
    if (size > 0) {
        size_t len = payload.len < size - 1 ? payload.len : size - 1;
        if (len > 0)
            memcpy(reply, payload.data, len);
        reply[len] = '\0';
    }
    fbx_reply_free(answer);
    return status;
}

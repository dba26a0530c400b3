#include "broker.h"

#include "base/clock.h"
#include "base/mem.h"
#include "measure/fail.h"
#include "token/token.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READY_MS 10000
#define STOP_MS 5000
#define TOKEN_SECONDS 3600
/* Counted like any other, but never refused. */
#define BENCH_TIER "bench per-minute=100000000 burst=100000000 monthly=1000000000000"

/* What has to go when this program does; looked at by a signal handler. */
static struct {
    volatile pid_t owner, pid;
    char dir[256];
    char secret[65];
} held;

/* Called from the signal handler too: glibc's posix_spawn takes no lock and allocates nothing. */
static void remove_folder(void)
{
    static char rm[] = "rm", flags[] = "-rf";
    char *const argv[] = {rm, flags, held.dir, NULL};
    char *const env[] = {NULL};
    pid_t pid;
    if (posix_spawn(&pid, "/bin/rm", NULL, NULL, argv, env) == 0)
        waitpid(pid, NULL, 0);
}

static void let_go(void)
{
    if (held.owner != getpid())
        return;
    held.owner = 0;
    if (held.pid) {
        kill(held.pid, SIGKILL);
        waitpid(held.pid, NULL, 0);
    }
    remove_folder();
}

static void on_signal(int number)
{
    let_go();
    _exit(128 + number);
}

static void hold_folder(void)
{
    static bool registered;
    const char *base = getenv("TMPDIR");
    int len = snprintf(held.dir, sizeof held.dir, "%s/farebox-bench.XXXXXX", base ? base : "/tmp");
    if (len < 0 || (size_t)len >= sizeof held.dir || !mkdtemp(held.dir))
        fail_with("a folder in %s: %s", base ? base : "/tmp", strerror(errno));
    held.pid = 0;
    held.owner = getpid();
    if (registered)
        return;
    registered = true;
    atexit(let_go);
    const int deadly[] = {SIGHUP, SIGINT, SIGTERM};
    for (size_t i = 0; i < sizeof deadly / sizeof deadly[0]; i++)
        sigaction(deadly[i], &(struct sigaction){.sa_handler = on_signal}, NULL);
}

static char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));

static char *text(const char *format, ...)
{
    char line[4096];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof line)
        fail_with("a name is too long");
    return mem_strdup(line);
}

static char *inside(const char *name)
{
    return text("%s/%s", held.dir, name);
}

/* Letters only: a file's trailing newline is not part of the key. */
static void make_secret(const char *path, char secret[static 65])
{
    unsigned char bytes[32];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        fail_with("getrandom: %s", strerror(errno));
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(secret + 2 * i, 3, "%02x", bytes[i]);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, secret, 64) != 64)
        fail_with("%s: %s", path, strerror(errno));
    close(fd);
}

static char *mint(char *tenant, char *user, char *tier)
{
    char status[] = "active";
    char call[] = "call:*", serve[] = "serve:*", publish[] = "publish:*", hear[] = "subscribe:*",
         admin[] = "admin:tenants";
    char *permissions[] = {call, serve, publish, hear, admin};
    int64_t now = (int64_t)time(NULL);
    struct token_claims claims = {.user = user,
                                  .tenant = tenant,
                                  .tier = tier,
                                  .subscription_status = status,
                                  .permissions = permissions,
                                  .n_permissions = sizeof permissions / sizeof permissions[0],
                                  .issued_s = now,
                                  .expires_s = now + TOKEN_SECONDS};
    struct token_key *key = NULL;
    if (token_key_create(&key, slice_of(held.secret), NULL, NULL))
        fail_with("the secret was refused");
    char *token = token_mint(key, &claims, now);
    token_key_destroy(key);
    if (!token)
        fail_with("no token could be minted");
    return token;
}

char *broker_token(const char *tenant, const char *user, const char *tier)
{
    char *names[] = {mem_strdup(tenant), mem_strdup(user), mem_strdup(tier)};
    char *token = mint(names[0], names[1], names[2]);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        mem_free(names[i]);
    return token;
}

static unsigned free_port(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof any;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&any, len) ||
        getsockname(fd, (struct sockaddr *)&any, &len))
        fail_with("a free port: %s", strerror(errno));
    close(fd);
    return ntohs(any.sin_port);
}

static char *make_url(const char *transport)
{
    if (strcmp(transport, "ipc") == 0)
        return text("ipc://%s/bus", held.dir);
    if (strcmp(transport, "tcp") != 0)
        fail_with("--transport is ipc or tcp");
    return text("tcp://127.0.0.1:%u", free_port());
}

static char *beside_us(const char *name)
{
    char self[2048];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len < 0)
        fail_with("/proc/self/exe: %s", strerror(errno));
    self[len] = '\0';
    return text("%.*s/%s", (int)(strrchr(self, '/') - self), self, name);
}

static void run_broker(const char *url, int out)
{
    char *limited =
        text("limited per-minute=%u burst=%u", BROKER_LIMITED_PER_MINUTE, BROKER_LIMITED_BURST);
    char *program = beside_us("fareboxd"), *data = inside("data"), *secret = inside("secret");
    fflush(NULL);
    held.pid = fork();
    if (held.pid < 0)
        fail_with("fork: %s", strerror(errno));
    if (held.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(out, STDOUT_FILENO);
        setenv("FAREBOX_LOG_LEVEL", "warn", 0);
        execl(program, program, "--listen", url, "--data", data, "--jwt-secret-file", secret,
              "--tier", limited, "--tier", BENCH_TIER, (char *)NULL);
        fprintf(stderr, "%s: %s\n", program, strerror(errno));
        _exit(127);
    }
    mem_free(limited);
    mem_free(program);
    mem_free(data);
    mem_free(secret);
}

static void wait_ready(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    char line[256];
    if (poll(&wait, 1, READY_MS) != 1 || read(fd, line, sizeof line) <= 0)
        fail_with("the broker did not become ready");
}

pid_t broker_start(const char *transport, char **url, char **token)
{
    int out[2];
    hold_folder();
    char *path = inside("secret");
    make_secret(path, held.secret);
    mem_free(path);
    *url = make_url(transport);
    *token = broker_token("bench", "bench", "bench");
    if (pipe2(out, O_CLOEXEC))
        fail_with("pipe: %s", strerror(errno));
    run_broker(*url, out[1]);
    close(out[1]);
    wait_ready(out[0]);
    close(out[0]);
    return held.pid;
}

void broker_stop(void)
{
    kill(held.pid, SIGTERM);
    uint64_t limit = clock_mono_ns() + STOP_MS * NS_PER_MS;
    while (held.pid && clock_mono_ns() < limit) {
        if (waitpid(held.pid, NULL, WNOHANG) == held.pid)
            held.pid = 0;
        else
            usleep(1000);
    }
    if (held.pid)
        fprintf(stderr, "farebox-bench: the broker did not stop when asked\n");
    let_go();
}

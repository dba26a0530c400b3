/* farebox-gateway - lets HTTP clients use the bus. Puts the parts together. */
#include "access.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/notify.h"
#include "base/token_file.h"
#include "loop.h"
#include "route.h"
#include "shim/threads.h"
#include "subscribers.h"
#include "tls.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

static int fail(int code, const char *why)
{
    (void)fprintf(stderr, "farebox-gateway: %s\n", why);
    return code;
}

/* Each connection is a descriptor, and the soft limit is usually far below the hard one. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* Before any thread exists, so that all inherit the mask. */
static int catch_signals(void)
{
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &wanted, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* On a thread of the bus. */
static void on_state(void *arg, bool connected)
{
    struct gateway *gateway = arg;
    atomic_store(&gateway->connected, connected);
    if (!atomic_load(&gateway->leaving))
        log_event(connected ? LOG_INFO : LOG_WARN, connected ? "bus.connected" : "bus.lost", NULL);
}

static int connect_bus(struct gateway *gateway)
{
    const struct gateway_settings *s = &gateway->settings;
    char *token = NULL;
    int error = token_file_read(&token, s->token_file);
    if (error < 0)
        return fail(EX_NOINPUT, "the token file does not hold a token");
    fbx_options options = {.url = s->url,
                           .token = token,
                           .name = "farebox-gateway",
                           .tls_ca_file = *s->tls_ca_file ? s->tls_ca_file : NULL,
                           .on_state = on_state,
                           .on_state_arg = gateway,
                           .wait_for_broker = true};
    /* It is once that returns, and its thread may say so later than somebody asks. */
    atomic_store(&gateway->connected, true);
    error = fbx_connect(&gateway->bus, &options);
    mem_free(token);
    if (error == 0)
        return 0;
    return fail(error == FBX_EREFUSED ? EX_NOPERM : EX_UNAVAILABLE,
                *fbx_last_error() ? fbx_last_error() : fbx_error_text(error));
}

static void say_ready(const struct gateway *gateway)
{
    const struct gateway_settings *s = &gateway->settings;
    (void)printf("farebox-gateway ready: %s://%s\n", *s->tls_cert_file ? "https" : "http",
                 s->listen);
    (void)fflush(stdout);
    notify_manager("READY=1");
}

static int run(struct gateway *gateway, int signals)
{
    char why[SETTINGS_WHY_BYTES] = "";
    struct server *server = NULL;
    size_t item = 0;
    (void)routes_create(&gateway->routes, &gateway->settings.routes, &item, why); /* was checked */
    if (*gateway->settings.tls_cert_file &&
        tls_load(gateway->settings.tls_cert_file, gateway->settings.tls_key_file, why) < 0)
        return fail(EX_NOINPUT, why);
    gateway->access_log = access_log_open(gateway->settings.access_log, &gateway->traffic.log_lost);
    if (!gateway->access_log)
        return fail(EX_CANTCREAT, "the access log cannot be opened");
    int code = connect_bus(gateway);
    if (code != 0)
        return code;
    if (server_create(&server, gateway, why) < 0) {
        atomic_store(&gateway->leaving, true);
        fbx_close(gateway->bus);
        return fail(EX_UNAVAILABLE, why);
    }
    gateway->subscribers = subscribers_create(gateway);
    say_ready(gateway);
    int rc = loop_run(gateway, server, signals);
    if (rc == -EACCES)
        (void)fail(EX_NOPERM, "the broker refuses the gateway's token");
    notify_manager("STOPPING=1");
    atomic_store(&gateway->leaving, true);
    fbx_close(gateway->bus); /* from here on no callback comes, and nobody may ask it anything */
    atomic_store(&gateway->connected, false);
    server_destroy(server);
    subscribers_destroy(gateway->subscribers);
    return rc == 0 ? EX_OK : rc == -EACCES ? EX_NOPERM : EX_OSERR;
}

int main(int argc, char **argv)
{
    char why[SETTINGS_WHY_BYTES] = "";
    struct gateway gateway = {.argc = argc, .argv = argv, .mailbox.fd = -1, .shown = SHOWN_NOBODY};
    mem_keep_bursts();
    int code = settings_load(&gateway_program, &gateway.settings, argc, argv, why);
    if (code != 0)
        return fail(code, why);
    if (gateway.settings.head.action != SETTINGS_RUN) {
        code = settings_act(&gateway_program, &gateway.settings, stdout);
    } else {
        int signals = catch_signals();
        threads_leave_one();
        raise_descriptor_limit();
        log_set_level(gateway.settings.log_level);
        code = signals < 0 || mailbox_init(&gateway.mailbox) < 0
                   ? fail(EX_OSERR, "the system refuses signals or descriptors")
                   : run(&gateway, signals);
        mailbox_finish(&gateway.mailbox);
    }
    access_log_close(gateway.access_log);
    tls_unload();
    routes_unref(gateway.routes);
    settings_free(&gateway_program, &gateway.settings);
    return code;
}

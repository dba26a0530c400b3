/* farebox-gateway - lets HTTP clients use the bus. Puts the parts together. */
#include "base/log.h"
#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

static int fail(int code, const char *why)
{
    (void)fprintf(stderr, "farebox-gateway: %s\n", why);
    return code;
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

static void on_state(void *arg, bool connected)
{
    struct gateway *gateway = arg;
    atomic_store(&gateway->connected, connected);
}

int main(int argc, char **argv)
{
    char why[GATEWAY_WHY_BYTES] = "";
    struct server *server = NULL;
    struct gateway gateway = {
        .settings = {.listen_host = "127.0.0.1",
                     .listen_port = argc > 2 ? (uint16_t)atoi(argv[2]) : 8000,
                     .url = argv[1],
                     .max_body_bytes = 1 << 20,
                     .max_header_bytes = 32768,
                     .max_connections = 10000,
                     .idle_timeout_ms = 60000,
                     .default_timeout_ms = 30000,
                     .drain_ms = 10000}};
    int signals = catch_signals();
    if (signals < 0 || mailbox_init(&gateway.mailbox) < 0)
        return fail(EX_OSERR, "the system refuses signals or descriptors");
    fbx_options options = {.url = argv[1],
                           .token = getenv("FAREBOX_TOKEN"),
                           .name = "farebox-gateway",
                           .on_state = on_state,
                           .on_state_arg = &gateway,
                           .wait_for_broker = true};
    if (fbx_connect(&gateway.bus, &options) < 0)
        return fail(EX_UNAVAILABLE, fbx_last_error());
    if (server_create(&server, &gateway, why) < 0)
        return fail(EX_UNAVAILABLE, why);
    (void)printf("farebox-gateway ready: http://127.0.0.1:%u\n", gateway.settings.listen_port);
    (void)fflush(stdout);
    int rc = loop_run(&gateway, server, signals);
    fbx_close(gateway.bus);
    server_destroy(server);
    mailbox_finish(&gateway.mailbox);
    return rc == 0 ? EX_OK : EX_OSERR;
}

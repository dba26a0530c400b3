/* farebox-host - runs service modules on one connection to the broker. */
#include "base/log.h"
#include "base/mem.h"
#include "base/notify.h"
#include "options.h"
#include "running.h"
#include "shim/threads.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

static enum host_exit complain(enum host_exit status, const char *what)
{
    (void)fprintf(stderr, "farebox-host: %s\n", what);
    return status;
}

/* Blocked before the first thread exists, so that only we ever take them. */
static void hold_signals(sigset_t *ending)
{
    (void)sigemptyset(ending);
    (void)sigaddset(ending, SIGTERM);
    (void)sigaddset(ending, SIGINT);
    (void)sigaddset(ending, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, ending, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

/* After the first signal, the next one ends the process the ordinary way. */
static void release_signals(const sigset_t *ending)
{
    for (int i = 1; i < NSIG; i++)
        if (sigismember(ending, i) == 1)
            (void)signal(i, SIG_DFL);
    (void)pthread_sigmask(SIG_UNBLOCK, ending, NULL);
}

static void note_connection(void *arg, bool connected)
{
    atomic_store((atomic_bool *)arg, connected);
    log_event(LOG_INFO, connected ? "bus.connected" : "bus.lost", NULL);
}

static enum host_exit load(struct imports **imports, const struct host_options *options)
{
    struct module_error why;
    int rc = imports_load(imports, options->files, options->n_files, &why);
    switch (rc) {
    case 0:
        break;
    case -EPERM:
        return complain(HOST_NOT_ALLOWED, why.text);
    case -ENOEXEC:
    case -EEXIST:
    case -ENXIO:
    case -ELOOP:
        return complain(HOST_BAD_MODULE, why.text);
    default:
        return complain(HOST_NO_INPUT, why.text);
    }
    enum host_exit status = running_check_settings(*imports, options, &why);
    return status == HOST_OK ? status : complain(status, why.text);
}

static enum host_exit connect_bus(fbx_bus **bus, const struct host_options *options,
                                  atomic_bool *connected)
{
    const fbx_options how = {
        .url = options->url,
        .token = options->token,
        .name = options->name,
        .workers = options->workers,
        .tls_ca_file = options->tls_ca_file,
        .tls_server_name = options->tls_server_name,
        .wait_for_broker = true,
        .on_state = note_connection,
        .on_state_arg = connected,
    };
    int rc = fbx_connect(bus, &how);
    if (rc == 0)
        return HOST_OK;
    const char *said = fbx_last_error();
    complain(HOST_NO_BROKER, said[0] ? said : fbx_error_text(rc));
    if (rc == FBX_EREFUSED)
        return HOST_NOT_ALLOWED;
    return rc == FBX_EINVAL ? HOST_USAGE : HOST_NO_BROKER;
}

static void announce(const struct running *running)
{
    (void)fputs("farebox-host ready:", stdout);
    for (size_t i = 0; i < running_services(running); i++)
        (void)printf(" %s", running_service(running, i));
    (void)puts("");
    (void)fflush(stdout);
    notify_manager("READY=1");
}

/* Until a signal comes, or the broker is back and no longer takes the token: the
 * library would wait for ever then, and the service manager would never hear of it. */
static enum host_exit await_end(const sigset_t *ending, fbx_bus *bus, const atomic_bool *connected)
{
    const struct timespec pause = {.tv_sec = 2};
    for (;;) {
        if (sigtimedwait(ending, NULL, &pause) > 0)
            return HOST_OK;
        if (!atomic_load(connected) && fbx_ping(bus, 100) == FBX_EREFUSED)
            return complain(HOST_NOT_ALLOWED, fbx_last_error());
    }
}

static enum host_exit serve(const struct imports *imports, const struct host_options *options,
                            const sigset_t *ending)
{
    struct module_error why;
    struct running *running = NULL;
    fbx_bus *bus = NULL;
    atomic_bool connected = false;
    enum host_exit status = connect_bus(&bus, options, &connected);
    if (status != HOST_OK)
        return status;
    status = running_start(&running, bus, imports, options, &why);
    if (status != HOST_OK)
        return complain(status, why.text);
    announce(running);
    status = await_end(ending, bus, &connected);
    release_signals(ending);
    notify_manager("STOPPING=1");
    log_event(LOG_INFO, "host.draining", NULL);
    running_end(running, atomic_load(&connected));
    return status;
}

int main(int argc, char **argv)
{
    struct host_options options;
    struct imports *imports = NULL;
    sigset_t ending;
    mem_keep_bursts();
    enum host_exit status = host_options_read(&options, argc, argv);
    if (status == HOST_OK && !options.done) {
        hold_signals(&ending);
        threads_leave_one();
        status = load(&imports, &options);
        if (status == HOST_OK)
            status = serve(imports, &options, &ending);
    }
    imports_unload(imports);
    host_options_finish(&options);
    return (int)status;
}

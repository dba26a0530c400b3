/* fareboxd - the broker. Puts the parts together and waits for signals. */
#include "base/log.h"
#include "base/mem.h"
#include "base/notify.h"
#include "config.h"
#include "config_key.h"
#include "door.h"
#include "listen.h"
#include "shim/threads.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define STORE_SCHEMA 1u
#define IDLE_WAIT_MS 60000
#define DRAIN_LOOK_MS 20

struct broker {
    int argc;
    char **argv;
    struct settings settings;
    struct token_key *key;
    struct store *store;
    struct ledger *ledger;
    struct door *door;
    struct core *core;
    char *store_dir, *feeds_dir;
    int signals;
    char why[SETTINGS_WHY_BYTES];
};

static int fail(const struct broker *broker, int code)
{
    fprintf(stderr, "fareboxd: %s\n", broker->why);
    return code;
}

static struct limits limits_of(const struct settings *s)
{
    struct limits limits = {
        .heartbeat_ms = s->heartbeat_ms,
        .grace_ms = s->grace_ms,
        .default_timeout_ms = s->default_timeout_ms,
        .max_timeout_ms = s->max_timeout_ms,
        .max_payload_bytes = (uint32_t)s->max_payload_bytes,
        .outbox_bytes = s->outbox_bytes,
        .max_sessions = s->max_sessions,
        .max_calls = s->max_calls,
        .queue_length = s->queue_length,
        .default_capacity = s->default_capacity,
        .call_depth = s->call_depth,
        .max_subscriptions = s->max_subscriptions,
        .max_services = s->max_services,
        .max_instances = s->max_instances,
        .max_feeds = s->max_feeds,
        .health_least_ms = s->health_least_ms,
        .health_urls = s->health_allow.n > 0,
        .max_identities = s->max_identities,
        .max_revoked = s->max_revoked,
        .max_token_days = s->max_token_days,
        .silent_pipe_ms = s->silent_pipe_ms,
        .max_limited_users = s->max_limited_users,
        .max_answers = s->max_answers,
        .answers_bytes = s->answers_bytes,
        .answer_ttl_ms = s->answer_ttl_ms,
        .max_breakers = s->max_breakers,
        .usage_hours_kept = s->usage_hours_kept,
        .usage_kept = s->usage_kept,
    };
    char why[LINE_WHY_BYTES]; /* they were checked */
    snprintf(limits.upgrade_url, sizeof limits.upgrade_url, "%s", s->upgrade_url);
    (void)durability_read(&limits.durability, s->durability);
    (void)tiers_read(&limits.tiers, s->tiers.items, s->tiers.n, why);
    (void)breaker_table_read(&limits.breakers, s->breakers.items, s->breakers.n, why);
    (void)rate_table_read(&limits.rates, s->rate_limits.items, s->rate_limits.n, why);
    return limits;
}

static void allow_probes(struct broker *broker)
{
    char why[ALLOW_WHY_BYTES];
    struct allow_list list = {.n = 0};
    const struct text_list *entries = &broker->settings.health_allow;
    (void)allow_read(&list, entries->items, entries->n, why); /* they were checked */
    door_allow_probes(broker->door, &list, broker->settings.health_ca_file);
}

/* Returns 0 or the exit code. */
static int load_key(struct broker *broker, const struct settings *s, struct token_key **out)
{
    char why[CONFIG_KEY_WHY_BYTES];
    int rc = config_key_load(out, s, why);
    if (rc < 0)
        snprintf(broker->why, sizeof broker->why, "%s: %s", config_key_path(s), why);
    return rc == 0 ? 0 : rc == -EINVAL ? EX_CONFIG : EX_NOINPUT;
}

static int verify(void *arg, struct slice token, int64_t now_s, struct token_claims *claims,
                  char *why)
{
    const struct broker *broker = arg;
    return token_verify(broker->key, token, now_s, claims, why);
}

static char *below(const char *dir, const char *name)
{
    size_t size = strlen(dir) + strlen(name) + 2;
    char *path = mem_alloc(size);
    snprintf(path, size, "%s/%s", dir, name);
    return path;
}

/* Others are told of what lies below, and may stand in another folder. */
static char *whole_path(const char *path)
{
    char here[PATH_MAX];
    return path[0] == '/' || !getcwd(here, sizeof here) ? mem_strdup(path) : below(here, path);
}

/* ---- starting ---- */

/* Each connection is a descriptor, and the soft limit is usually far below the hard one. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* Before any thread exists, so that all inherit the mask. */
static int catch_signals(struct broker *broker)
{
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &wanted, NULL);
    signal(SIGPIPE, SIG_IGN);
    broker->signals = signalfd(-1, &wanted, SFD_CLOEXEC);
    return broker->signals < 0 ? -errno : 0;
}

static int make_data_dir(struct broker *broker)
{
    const char *dir = broker->settings.data;
    if (mkdir(dir, 0700) == 0 || errno == EEXIST)
        return 0;
    snprintf(broker->why, sizeof broker->why, "%s: %s", dir, strerror(errno));
    return -errno;
}

/* Whoever can mend it wants to know: what is lost here was promised once. */
static void report_damage(struct store *store)
{
    struct store_status status;
    char count[24];
    store_status(store, &status);
    snprintf(count, sizeof count, "%" PRIu64, status.quarantined);
    if (status.rebuilt)
        log_event(LOG_ERROR, "store.rebuilt", "quarantined", count, NULL);
    else if (status.quarantined > 0)
        log_event(LOG_WARN, "store.quarantine_not_empty", "quarantined", count, NULL);
}

static int open_store(struct broker *broker)
{
    char why[160] = "";
    struct store_options options = {
        .dir = broker->store_dir,
        .map_bytes = broker->settings.store_bytes,
        .commit_ms = broker->settings.commit_ms,
        .schema = STORE_SCHEMA,
    };
    int rc = store_open(&broker->store, &options, why);
    if (rc < 0)
        snprintf(broker->why, sizeof broker->why, "%s", why);
    else
        report_damage(broker->store);
    return rc;
}

static void report_ledger(const struct broker *broker, enum ledger_origin origin)
{
    if (origin == LEDGER_EXPIRED)
        log_event(LOG_WARN, "ledger.expired", "why",
                  "the system was started anew: calls of its last moments are not in the usage",
                  NULL);
    else if (origin == LEDGER_DAMAGED)
        log_event(LOG_ERROR, "ledger.damaged", "kept", broker->store_dir, NULL);
}

static int open_ledger(struct broker *broker)
{
    const struct ledger_options options = {.dir = broker->store_dir};
    enum ledger_origin origin;
    int rc = ledger_open(&broker->ledger, &options, &origin);
    if (rc < 0)
        snprintf(broker->why, sizeof broker->why, "%s/ledger.mdb: %s", broker->store_dir,
                 strerror(-rc));
    else
        report_ledger(broker, origin);
    return rc;
}

static void report_lost_blocks(const struct broker *broker)
{
    struct ledger_status status;
    char count[24];
    ledger_status(broker->ledger, &status);
    snprintf(count, sizeof count, "%" PRIu64, status.damaged);
    if (status.damaged > 0)
        log_event(LOG_ERROR, "ledger.blocks_damaged", "blocks", count, NULL);
}

static int start_core(struct broker *broker)
{
    struct door_options door = {.max_exchanges = broker->settings.max_exchanges,
                                .store = broker->store,
                                .ledger = broker->ledger,
                                .feeds_dir = broker->feeds_dir};
    if (door_create(&broker->door, &door) < 0) {
        snprintf(broker->why, sizeof broker->why, "cannot open the socket");
        return -EMFILE;
    }
    door_limit_connections(broker->door, broker->settings.max_connections);
    allow_probes(broker);
    struct core_options options = {
        .limits = limits_of(&broker->settings),
        .io = door_io(broker->door),
        .verify = verify,
        .verify_arg = broker,
        .version = FAREBOX_VERSION,
        .skipped = (const char *const *)broker->settings.skip_filters.items,
        .n_skipped = broker->settings.skip_filters.n,
    };
    int rc = core_create(&broker->core, &options, clock_now());
    if (rc < 0)
        snprintf(broker->why, sizeof broker->why, "cannot read the store: %s", strerror(-rc));
    else
        report_lost_blocks(broker);
    return rc;
}

static int start(struct broker *broker)
{
    const struct settings *s = &broker->settings;
    log_set_level(s->log_level);
    char *data = whole_path(s->data);
    broker->store_dir = below(data, "store");
    broker->feeds_dir = below(data, "feeds");
    mem_free(data);
    raise_descriptor_limit();
    if (make_data_dir(broker) < 0)
        return EX_CANTCREAT;
    int code = load_key(broker, s, &broker->key);
    if (code != 0)
        return code;
    if (listen_check_tls(s, broker->why) < 0)
        return EX_CONFIG;
    if (open_store(broker) < 0 || open_ledger(broker) < 0)
        return EX_CANTCREAT;
    if (start_core(broker) < 0)
        return EX_SOFTWARE;
    if (door_run(broker->door, broker->core, s, broker->why) < 0)
        return EX_UNAVAILABLE;
    return 0;
}

static void say_ready(const struct broker *broker)
{
    const struct text_list *urls = &broker->settings.listen;
    printf("fareboxd ready:");
    for (size_t i = 0; i < urls->n; i++)
        printf(" %s", urls->items[i]);
    putchar('\n');
    fflush(stdout);
    notify_manager("READY=1");
}

/* ---- running ---- */

struct reload {
    struct broker *broker;
    struct settings fresh;
    struct token_key *key;
    struct settings_changes changes;
    bool other_secret;
};

/* All that can fail. */
static int read_again(struct reload *reload)
{
    struct broker *broker = reload->broker;
    int code =
        settings_load(&config_program, &reload->fresh, broker->argc, broker->argv, broker->why);
    if (code != 0)
        return code;
    code = load_key(broker, &reload->fresh, &reload->key);
    if (code != 0)
        settings_free(&config_program, &reload->fresh);
    return code;
}

static void reload_in_turn(struct core *core, void *arg)
{
    struct reload *reload = arg;
    struct broker *broker = reload->broker;
    settings_take(&config_program, &broker->settings, &reload->fresh, &reload->changes);
    reload->other_secret = !token_key_same_secret(broker->key, reload->key);
    token_key_destroy(broker->key);
    broker->key = reload->key;
    struct limits limits = limits_of(&broker->settings);
    core_reload(core, &limits);
}

/* All or nothing: a mistake anywhere leaves everything as it is. */
static void reload(struct broker *broker)
{
    struct reload job = {.broker = broker};
    notify_manager_reloading();
    if (read_again(&job) == 0) {
        door_turn(broker->door, reload_in_turn, &job);
        log_set_level(broker->settings.log_level);
        door_limit_connections(broker->door, broker->settings.max_connections);
        allow_probes(broker);
        log_event(LOG_INFO, "reload.done", "changed", job.changes.live, "needs_restart",
                  job.changes.restart, "secret", job.other_secret ? "rotated" : "same", NULL);
    } else {
        log_event(LOG_ERROR, "reload.refused", "why", broker->why, NULL);
    }
    notify_manager("READY=1");
}

static void begin_drain(struct core *core, void *arg)
{
    (void)arg;
    core_drain(core);
}

static void ask_drained(struct core *core, void *arg)
{
    *(bool *)arg = core_is_drained(core);
}

static void drain(struct broker *broker)
{
    uint64_t give_up = clock_mono_ns() + broker->settings.drain_ms * NS_PER_MS;
    bool done = false;
    log_event(LOG_INFO, "broker.draining", NULL);
    notify_manager("STOPPING=1");
    door_turn(broker->door, begin_drain, NULL);
    while (!done && clock_mono_ns() < give_up) {
        door_turn(broker->door, ask_drained, &done);
        if (!done)
            door_wait(broker->door, -1, DRAIN_LOOK_MS);
    }
    if (!done)
        log_event(LOG_WARN, "broker.calls_cut_off", NULL);
}

/* Returns when it is time to stop. */
static void serve(struct broker *broker)
{
    struct signalfd_siginfo info;
    for (;;) {
        if (!door_wait(broker->door, broker->signals, IDLE_WAIT_MS))
            continue;
        if (read(broker->signals, &info, sizeof info) != sizeof info)
            continue;
        if (info.ssi_signo != SIGHUP)
            return;
        reload(broker);
    }
}

/* What is in the books on disk need not be in the ledger. */
static void settle(struct broker *broker)
{
    if (core_save(broker->core) && store_sync(broker->store) == 0)
        ledger_trim(broker->ledger, UINT64_MAX);
}

static void stop(struct broker *broker)
{
    if (broker->door)
        door_close(broker->door);
    if (broker->core)
        settle(broker);
    core_destroy(broker->core);
    door_destroy(broker->door);
    threads_end();
    ledger_close(broker->ledger);
    store_close(broker->store);
    token_key_destroy(broker->key);
    mem_free(broker->store_dir);
    mem_free(broker->feeds_dir);
    settings_free(&config_program, &broker->settings);
    if (broker->signals >= 0)
        close(broker->signals);
}

/* What was asked for instead of a broker. */
static int act(struct broker *broker)
{
    const struct settings *s = &broker->settings;
    if (s->head.action == SETTINGS_CHECK && listen_check_tls(s, broker->why) < 0)
        return fail(broker, EX_CONFIG);
    return settings_act(&config_program, s, stdout);
}

int main(int argc, char **argv)
{
    struct broker broker = {.argc = argc, .argv = argv, .signals = -1};
    int code = settings_load(&config_program, &broker.settings, argc, argv, broker.why);
    if (code != 0)
        return fail(&broker, code);
    if (broker.settings.head.action != SETTINGS_RUN) {
        code = act(&broker);
        settings_free(&config_program, &broker.settings);
        return code;
    }
    mem_keep_bursts();
    if (sodium_init() < 0 || catch_signals(&broker) < 0 || log_start_writer() < 0) {
        snprintf(broker.why, sizeof broker.why,
                 "the system refuses random bytes, signals or a thread");
        return fail(&broker, EX_OSERR);
    }
    threads_leave_one();
    code = start(&broker);
    if (code == 0) {
        say_ready(&broker);
        serve(&broker);
        drain(&broker);
    } else {
        fail(&broker, code);
    }
    stop(&broker);
    log_stop_writer();
    return code;
}

/* Subscribers of every kind: slow ones, groups, and plain nng sockets on a feed. */
#include "harness.h"

#include "../testing.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const all[] = {"call:*", "publish:*", "subscribe:*", "serve:*", "admin:*", NULL};

static void tell(fbx_bus *bus, const char *topic, const char *text)
{
    fbx_publish_options confirmed = {.confirm = true};
    assert_int_equal(fbx_publish(bus, topic, (fbx_bytes){text, strlen(text)}, &confirmed), 0);
}

/* The value of "name": in a line of JSON, or 0. */
static unsigned long long number_in(const char *line, const char *name)
{
    char key[64];
    snprintf(key, sizeof key, "\"%s\":", name);
    const char *at = strstr(line, key);
    return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* ---- slow subscribers ---- */

#define FLOOD 3000
#define EVENT_BYTES 1000

/* What a stopped subscriber missed is counted, and told when it goes on. */
static void a_slow_subscriber_is_told_what_it_missed(void **state)
{
    (void)state;
    static const char *const flags[] = {"--outbox-bytes", "262144", "--max-payload-bytes", "65536",
                                        NULL};
    char event[EVENT_BYTES], line[4096];
    struct place *place = place_create();
    place_start_broker(place, flags);
    char *token = place_token_file(place, "acme", "ann", all);
    const char *argv[] = {"farebox", "--url", place->url, "--token-file", token,
                          "-o",      "json",  "sub",      "load.>",       NULL};
    struct process *slow = place_start(place, "{\"note\":\"subscribed\"}", argv);
    fbx_bus *bus = place_connect(place, "acme", "ann", all);
    process_freeze(slow->pid);
    memset(event, 'x', sizeof event);
    for (int i = 0; i < FLOOD; i++)
        assert_int_equal(fbx_publish(bus, "load.flood", (fbx_bytes){event, sizeof event}, NULL), 0);
    tell(bus, "load.last", "x");
    kill(slow->pid, SIGCONT);

    unsigned long long seen = 0, missed = 0;
    do {
        tell(bus, "load.after", "x"); /* carries what was missed before it */
        assert_true(process_line(slow, "{", line, sizeof line));
        seen += strstr(line, "load.flood") || strstr(line, "load.last") ? 1 : 0;
        missed += number_in(line, "missed");
    } while (!missed || !strstr(line, "load.after"));
    assert_true(seen < FLOOD);
    assert_true(seen + missed >= FLOOD + 1);
    fbx_close(bus);
    free(token);
    place_destroy(place);
}

/* ---- queue groups ---- */

struct tally {
    pthread_mutex_t lock;
    pthread_cond_t more;
    unsigned each[3], sum;
};

struct member {
    struct tally *tally;
    unsigned number;
};

static void on_event(void *arg, const fbx_event *event)
{
    (void)event;
    struct member *member = arg;
    pthread_mutex_lock(&member->tally->lock);
    member->tally->each[member->number]++;
    member->tally->sum++;
    pthread_cond_broadcast(&member->tally->more);
    pthread_mutex_unlock(&member->tally->lock);
}

static void a_group_shares_the_events(void **state)
{
    (void)state;
    struct tally tally = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};
    struct member members[3];
    fbx_bus *buses[3];
    fbx_subscribe_options workers = {.group = "workers"};
    struct place *place = place_create();
    place_start_broker(place, NULL);
    for (unsigned i = 0; i < 3; i++) {
        members[i] = (struct member){&tally, i};
        buses[i] = place_connect(place, "acme", "ann", all);
        assert_int_equal(fbx_subscribe(buses[i], "jobs.*", &workers, on_event, &members[i], NULL),
                         0);
    }
    for (int i = 0; i < 300; i++)
        tell(buses[0], "jobs.new", "x");
    pthread_mutex_lock(&tally.lock);
    while (tally.sum < 300)
        pthread_cond_wait(&tally.more, &tally.lock);
    pthread_mutex_unlock(&tally.lock);
    for (unsigned i = 0; i < 3; i++)
        fbx_close(buses[i]);
    assert_int_equal(tally.sum, 300);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(tally.each[i], 100);
    place_destroy(place);
}

/* ---- feeds ---- */

static fbx_reply *open_feed(fbx_bus *bus, const char *pattern, uint32_t lease_ms)
{
    fbx_writer w = {0};
    fbx_reply *reply = NULL;
    fbx_write_map(&w, 2);
    fbx_write_text(&w, "pattern");
    fbx_write_text(&w, pattern);
    fbx_write_text(&w, "lease_ms");
    fbx_write_uint(&w, lease_ms);
    assert_int_equal(fbx_call(bus, "bus.feed", "open", fbx_written(&w), NULL, &reply), 0);
    fbx_writer_free(&w);
    return reply;
}

static void feed_url(const fbx_reply *reply, char *url, size_t size)
{
    fbx_value root, value;
    assert_int_equal(fbx_reply_status(reply), FBX_OK);
    assert_true(fbx_read(fbx_reply_payload(reply), &root));
    value = fbx_map_get(&root, "url");
    assert_true(fbx_as_text(&value, url, size));
}

struct pump {
    fbx_bus *acme, *globex;
    struct process *listener;
    bool heard;
};

/* A PUB socket forgets whoever is not there yet, so events go out until one is heard. */
static void *keep_telling(void *arg)
{
    struct pump *pump = arg;
    while (!__atomic_load_n(&pump->heard, __ATOMIC_ACQUIRE)) {
        tell(pump->globex, "orders.created", "CANARY-GLOBEX");
        tell(pump->acme, "invoices.created", "CANARY-OTHER");
        tell(pump->acme, "orders.created", "42");
    }
    return NULL;
}

static void a_plain_subscriber_hears_a_feed(void **state)
{
    (void)state;
    char url[PATH_MAX], line[1024];
    struct stat info;
    pthread_t thread;
    struct place *place = place_create();
    place_start_broker(place, NULL);
    struct pump pump = {.acme = place_connect(place, "acme", "ann", all),
                        .globex = place_connect(place, "globex", "gus", all)};
    fbx_reply *reply = open_feed(pump.acme, "orders.>", 60000);
    feed_url(reply, url, sizeof url);
    fbx_reply_free(reply);
    assert_int_equal(stat(url + strlen("ipc://"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);

    const char *argv[] = {"/usr/bin/nngcat", "--sub", "--dial",   url,
                          "--subscribe",     "",      "--quoted", NULL};
    pump.listener = place_start(place, NULL, argv);
    pthread_create(&thread, NULL, keep_telling, &pump);
    for (int i = 0; i < 20; i++) {
        assert_true(process_line(pump.listener, "", line, sizeof line));
        assert_string_equal(line, "\"orders.created 42\"");
    }
    __atomic_store_n(&pump.heard, true, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    fbx_close(pump.acme);
    fbx_close(pump.globex);
    place_destroy(place);
}

static bool is_gone(void *arg)
{
    return access(arg, F_OK) != 0;
}

static void a_feed_ends_with_its_lease_or_its_session(void **state)
{
    (void)state;
    char short_url[PATH_MAX], long_url[PATH_MAX];
    struct place *place = place_create();
    place_start_broker(place, NULL);
    fbx_bus *bus = place_connect(place, "acme", "ann", all);
    fbx_reply *reply = open_feed(bus, "orders.>", 50);
    feed_url(reply, short_url, sizeof short_url);
    fbx_reply_free(reply);
    reply = open_feed(bus, "orders.>", 3600000);
    feed_url(reply, long_url, sizeof long_url);
    fbx_reply_free(reply);
    assert_true(eventually(is_gone, short_url + strlen("ipc://")));
    assert_int_equal(access(long_url + strlen("ipc://"), F_OK), 0);
    fbx_close(bus);
    assert_true(eventually(is_gone, long_url + strlen("ipc://")));
    place_destroy(place);
}

static void a_feed_needs_the_permission_to_subscribe(void **state)
{
    (void)state;
    static const char *const some[] = {"subscribe:orders.*", NULL};
    struct place *place = place_create();
    place_start_broker(place, NULL);
    fbx_bus *bus = place_connect(place, "acme", "bob", some);
    fbx_reply *reply = open_feed(bus, "orders.>", 1000);
    assert_int_equal(fbx_reply_status(reply), FBX_PERMISSION_DENIED);
    fbx_reply_free(reply);
    reply = open_feed(bus, "orders.*", 1000);
    assert_int_equal(fbx_reply_status(reply), FBX_OK);
    fbx_reply_free(reply);
    fbx_close(bus);
    place_destroy(place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_subscriber_is_told_what_it_missed),
        cmocka_unit_test(a_group_shares_the_events),
        cmocka_unit_test(a_plain_subscriber_hears_a_feed),
        cmocka_unit_test(a_feed_ends_with_its_lease_or_its_session),
        cmocka_unit_test(a_feed_needs_the_permission_to_subscribe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Programs with a loop of their own, and gateways: events asked for and sent without waiting, on
 * behalf of others. */
#include "scene.h"

#include "../testing.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const char *const hearing[] = {"subscribe:news.>", "publish:news.>", NULL};

/* What one subscription was told, in order: 'a' an answer, 'e' an event, 'o' its end. */
struct told {
    pthread_mutex_t lock;
    pthread_cond_t more;
    char log[64];
    int answer, over;
};

static struct told fresh(void)
{
    return (struct told){.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};
}

static void note(struct told *told, char what, int *place, int status)
{
    pthread_mutex_lock(&told->lock);
    told->log[strlen(told->log)] = what;
    if (place)
        *place = status;
    pthread_cond_broadcast(&told->more);
    pthread_mutex_unlock(&told->lock);
}

static void on_answer(void *arg, int status, const char *message)
{
    struct told *told = arg;
    (void)message;
    note(told, 'a', &told->answer, status);
}

static void on_over(void *arg, int status, const char *message)
{
    struct told *told = arg;
    (void)message;
    note(told, 'o', &told->over, status);
}

static void on_event(void *arg, const fbx_event *event)
{
    (void)event;
    note(arg, 'e', NULL, 0);
}

static void await_log(struct told *told, const char *log)
{
    pthread_mutex_lock(&told->lock);
    while (strlen(told->log) < strlen(log))
        pthread_cond_wait(&told->more, &told->lock);
    assert_string_equal(told->log, log);
    pthread_mutex_unlock(&told->lock);
}

static void subscribe(struct scene *scene, const char *token, struct told *told, uint64_t *id)
{
    fbx_subscribe_options options = {.token = token, .on_over = on_over};
    assert_int_equal(
        fbx_subscribe_async(scene->bus, "news.>", &options, on_event, on_answer, told, id), 0);
}

static void publish(struct scene *scene, const char *topic, const char *token, struct told *told)
{
    fbx_publish_options options = {.token = token};
    assert_int_equal(
        fbx_publish_async(scene->bus, topic, (fbx_bytes){"x", 1}, &options, on_answer, told), 0);
}

static void a_gateway_hears_and_publishes_for_others(void **state)
{
    struct scene *scene = *state;
    struct told gus = fresh(), ann = fresh(), published = fresh();
    char *token = place_token(scene->place, "globex", "gus", "pro", hearing);
    uint64_t id;
    subscribe(scene, token, &gus, &id);
    subscribe(scene, NULL, &ann, NULL);
    await_log(&ann, "a");
    publish(scene, "news.today", token, &published);
    await_log(&gus, "ae");
    await_log(&published, "a");
    assert_int_equal(gus.answer, FBX_OK);
    assert_int_equal(published.answer, FBX_OK);
    publish(scene, "weather.today", token, &published);
    await_log(&published, "aa");
    assert_int_equal(published.answer, FBX_PERMISSION_DENIED);
    assert_int_equal(fbx_unsubscribe_async(scene->bus, id), 0);
    await_log(&gus, "aeo");
    assert_int_equal(gus.over, FBX_CANCELLED);
    publish(scene, "news.today", token, &published);
    await_log(&published, "aaa");
    await_log(&gus, "aeo");
    await_log(&ann, "a"); /* another tenant's events */
    free(token);
}

static void a_refused_subscription_says_so_and_nothing_more(void **state)
{
    struct scene *scene = *state;
    struct told told = fresh();
    char *token = place_token(scene->place, "globex", "gus", "pro", NULL);
    uint64_t id;
    subscribe(scene, token, &told, &id);
    await_log(&told, "a");
    assert_int_equal(told.answer, FBX_PERMISSION_DENIED);
    assert_int_equal(fbx_ping(scene->bus, 0), 0);
    assert_int_equal(fbx_unsubscribe_async(scene->bus, id), FBX_EINVAL);
    await_log(&told, "a");
    free(token);
}

static void what_is_taken_back_while_the_broker_is_away_is_not_answered(void **state)
{
    struct scene *scene = *state;
    struct told told = fresh(), kept = fresh();
    uint64_t id;
    (void)place_stop_broker(scene->place, SIGKILL);
    subscribe(scene, NULL, &told, &id);
    subscribe(scene, NULL, &kept, NULL);
    assert_int_equal(fbx_unsubscribe_async(scene->bus, id), 0);
    await_log(&told, "o");
    place_start_broker(scene->place, NULL);
    await_log(&kept, "a");
    assert_int_equal(kept.answer, FBX_OK);
    assert_int_equal(fbx_ping(scene->bus, 0), 0);
    await_log(&told, "o");
}

/* A token's subscription is made again for it, by a broker that knows nothing of before. */
static void a_subscription_for_a_token_outlives_the_broker(void **state)
{
    struct scene *scene = *state;
    struct told told = fresh(), published = fresh();
    char *token = place_token(scene->place, "globex", "gus", "pro", hearing);
    subscribe(scene, token, &told, NULL);
    await_log(&told, "a");
    (void)place_stop_broker(scene->place, SIGKILL);
    place_start_broker(scene->place, NULL);
    assert_int_equal(fbx_ping(scene->bus, 0), 0);
    publish(scene, "news.today", token, &published);
    await_log(&told, "ae");
    await_log(&published, "a");
    free(token);
}

/* The broker comes back with another secret: no token is worth anything. */
static void the_end_of_the_session_is_the_end_of_its_subscriptions(void **state)
{
    struct scene *scene = *state;
    struct told own = fresh(), others = fresh(), late = fresh();
    char *token = place_token(scene->place, "globex", "gus", "pro", hearing);
    subscribe(scene, token, &others, NULL);
    subscribe(scene, NULL, &own, NULL);
    await_log(&own, "a");
    await_log(&others, "a");
    (void)place_stop_broker(scene->place, SIGKILL);
    FILE *file = fopen(scene->place->secret, "w");
    assert_non_null(file);
    assert_true(fputs("another secret, which is long enough as well", file) >= 0);
    fclose(file);
    place_start_broker(scene->place, NULL);
    await_log(&own, "ao");
    await_log(&others, "ao");
    assert_int_equal(own.over, FBX_UNAUTHENTICATED);
    assert_int_equal(others.over, FBX_UNAUTHENTICATED);
    subscribe(scene, token, &late, NULL);
    await_log(&late, "a");
    assert_int_equal(late.answer, FBX_UNAUTHENTICATED);
    free(token);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, scene_open, scene_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_gateway_hears_and_publishes_for_others),
        CASE(a_refused_subscription_says_so_and_nothing_more),
        CASE(what_is_taken_back_while_the_broker_is_away_is_not_answered),
        CASE(a_subscription_for_a_token_outlives_the_broker),
        CASE(the_end_of_the_session_is_the_end_of_its_subscriptions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Feeds' sockets, with an nng whose closing can be held up. */
#include "../testing.h"

#include "feeds.h"

#include <dlfcn.h>
#include <nng/nng.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MANY 300 /* more than may wait to be closed */

static sem_t closing_allowed;

/* Found before the library's own. */
int nng_close(nng_socket socket)
{
    int (*real)(nng_socket);
    *(void **)&real = dlsym(RTLD_NEXT, "nng_close");
    while (sem_wait(&closing_allowed) != 0)
        continue;
    int rc = real(socket);
    sem_post(&closing_allowed);
    return rc;
}

struct scene {
    char dir[64], url[256];
    struct feeds_door *feeds;
};

static void scene_open(struct scene *scene)
{
    snprintf(scene->dir, sizeof scene->dir, "/tmp/farebox-feeds-XXXXXX");
    assert_non_null(mkdtemp(scene->dir));
    assert_int_equal(sem_init(&closing_allowed, 0, 0), 0);
    scene->feeds = feeds_door_create(scene->dir);
    assert_non_null(scene->feeds);
}

static void scene_close(struct scene *scene)
{
    sem_post(&closing_allowed);
    feeds_door_destroy(scene->feeds);
    assert_int_equal(rmdir(scene->dir), 0); /* nothing is left in it */
    sem_destroy(&closing_allowed);
}

static void closing_takes_nobodys_turn(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene);
    uint64_t first = feeds_door_open(scene.feeds, scene.url, sizeof scene.url);
    assert_true(first > 0);
    feeds_door_close(scene.feeds, first); /* returns, while nng does not */
    uint64_t second = feeds_door_open(scene.feeds, scene.url, sizeof scene.url);
    assert_true(second > first);
    feeds_door_send(scene.feeds, first, slice_of("t"), slice_of("late"));
    feeds_door_send(scene.feeds, second, slice_of("t"), slice_of("x"));
    scene_close(&scene);
}

static void what_waits_to_be_closed_is_bounded(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene);
    int opened = 0;
    uint64_t feed = 1;
    while (feed > 0 && opened < MANY) {
        feed = feeds_door_open(scene.feeds, scene.url, sizeof scene.url);
        feeds_door_close(scene.feeds, feed);
        opened += feed > 0;
    }
    assert_in_range(opened, 64, MANY - 1);
    scene_close(&scene);
}

int main(void)
{
    atexit(nng_fini); /* waits for what nng still frees */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closing_takes_nobodys_turn),
        cmocka_unit_test(what_waits_to_be_closed_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "feeds.h"

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"

#include <dirent.h>
#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/transport/ipc/ipc.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX ".feed"
#define PATH_BYTES 256u
#define CLOSING_MAX 256u /* while so many wait to be closed none is opened */

struct feed_socket {
    uint64_t handle;
    nng_socket socket;
    char path[PATH_BYTES];
    struct feed_socket *next; /* of those to close */
};

struct feeds_door {
    const char *dir;
    struct map by_handle;
    uint64_t last;

    /* nng takes milliseconds to close a socket, while nobody else has a turn. */
    pthread_t closer;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    struct feed_socket *to_close;
    unsigned n_to_close;
    bool ending;
};

static void remove_leftovers(const char *dir)
{
    DIR *listing = opendir(dir);
    if (!listing)
        return;
    for (struct dirent *entry; (entry = readdir(listing));) {
        size_t len = strlen(entry->d_name);
        if (len > strlen(SUFFIX) && strcmp(entry->d_name + len - strlen(SUFFIX), SUFFIX) == 0)
            unlinkat(dirfd(listing), entry->d_name, 0);
    }
    closedir(listing);
}

/* ---- closing ---- */

static void close_socket(struct feed_socket *feed)
{
    nng_close(feed->socket);
    unlink(feed->path);
    mem_free(feed);
}

static void *close_sockets(void *arg)
{
    struct feeds_door *feeds = arg;
    pthread_mutex_lock(&feeds->lock);
    for (;;) {
        struct feed_socket *feed = feeds->to_close;
        if (feed) {
            feeds->to_close = feed->next;
            pthread_mutex_unlock(&feeds->lock);
            close_socket(feed);
            pthread_mutex_lock(&feeds->lock);
            feeds->n_to_close--;
        } else if (feeds->ending) {
            break;
        } else {
            pthread_cond_wait(&feeds->changed, &feeds->lock);
        }
    }
    pthread_mutex_unlock(&feeds->lock);
    return NULL;
}

static void close_later(struct feeds_door *feeds, struct feed_socket *feed)
{
    pthread_mutex_lock(&feeds->lock);
    feed->next = feeds->to_close;
    feeds->to_close = feed;
    feeds->n_to_close++;
    pthread_cond_signal(&feeds->changed);
    pthread_mutex_unlock(&feeds->lock);
}

static bool closer_keeps_up(struct feeds_door *feeds)
{
    pthread_mutex_lock(&feeds->lock);
    bool yes = feeds->n_to_close < CLOSING_MAX;
    pthread_mutex_unlock(&feeds->lock);
    return yes;
}

/* ---- life ---- */

struct feeds_door *feeds_door_create(const char *dir)
{
    struct feeds_door *feeds = mem_zalloc(sizeof *feeds);
    feeds->dir = dir;
    pthread_mutex_init(&feeds->lock, NULL);
    pthread_cond_init(&feeds->changed, NULL);
    if (pthread_create(&feeds->closer, NULL, close_sockets, feeds) != 0) {
        pthread_cond_destroy(&feeds->changed);
        pthread_mutex_destroy(&feeds->lock);
        mem_free(feeds);
        return NULL;
    }
    mkdir(dir, 0700);
    remove_leftovers(dir);
    return feeds;
}

void feeds_door_destroy(struct feeds_door *feeds)
{
    if (!feeds)
        return;
    size_t cursor = 0;
    for (struct feed_socket *feed; (feed = map_next(&feeds->by_handle, &cursor));)
        close_later(feeds, feed);
    pthread_mutex_lock(&feeds->lock);
    feeds->ending = true;
    pthread_cond_signal(&feeds->changed);
    pthread_mutex_unlock(&feeds->lock);
    pthread_join(feeds->closer, NULL);
    pthread_cond_destroy(&feeds->changed);
    pthread_mutex_destroy(&feeds->lock);
    map_finish(&feeds->by_handle);
    mem_free(feeds);
}

/* ---- feeds ---- */

static int start(struct feed_socket *feed, const char *url)
{
    nng_listener listener;
    int rc = nng_pub0_open(&feed->socket);
    if (rc != 0)
        return rc;
    rc = nng_listener_create(&listener, feed->socket, url);
    if (rc == 0)
        rc = nng_listener_set_int(listener, NNG_OPT_IPC_PERMISSIONS, 0600);
    if (rc == 0)
        rc = nng_listener_start(listener, 0);
    if (rc != 0)
        nng_close(feed->socket);
    return rc;
}

uint64_t feeds_door_open(struct feeds_door *feeds, char *url, size_t size)
{
    uint8_t secret[16];
    char name[2 * sizeof secret + 1];
    struct feed_socket *feed = mem_zalloc(sizeof *feed);

    randombytes_buf(secret, sizeof secret);
    sodium_bin2hex(name, sizeof name, secret, sizeof secret);
    int len = snprintf(feed->path, sizeof feed->path, "%s/%s" SUFFIX, feeds->dir, name);
    char full[PATH_BYTES + 8];
    snprintf(full, sizeof full, "ipc://%s", feed->path);
    int rc = len >= (int)sizeof feed->path || strlen(full) >= size ? NNG_EADDRINVAL
             : !closer_keeps_up(feeds)                             ? NNG_EBUSY
                                                                   : start(feed, full);
    if (rc != 0) {
        log_event(LOG_WARN, "feed.failed", "why", nng_strerror(rc), NULL);
        mem_free(feed);
        return 0;
    }
    feed->handle = ++feeds->last;
    map_put_u64(&feeds->by_handle, feed->handle, feed);
    memcpy(url, full, strlen(full) + 1);
    return feed->handle;
}

void feeds_door_send(struct feeds_door *feeds, uint64_t handle, struct slice topic,
                     struct slice payload)
{
    struct feed_socket *feed = map_get_u64(&feeds->by_handle, handle);
    nng_msg *message;
    if (!feed || nng_msg_alloc(&message, topic.len + 1 + payload.len) != 0)
        return;
    uint8_t *body = nng_msg_body(message);
    memcpy(body, topic.data, topic.len);
    body[topic.len] = ' ';
    if (payload.len)
        memcpy(body + topic.len + 1, payload.data, payload.len);
    if (nng_sendmsg(feed->socket, message, NNG_FLAG_NONBLOCK) != 0)
        nng_msg_free(message);
}

void feeds_door_close(struct feeds_door *feeds, uint64_t handle)
{
    struct feed_socket *feed = map_remove_u64(&feeds->by_handle, handle);
    if (feed)
        close_later(feeds, feed);
}

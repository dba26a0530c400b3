#include "feeds.h"

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"

#include <dirent.h>
#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/transport/ipc/ipc.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX ".feed"
#define PATH_BYTES 256u

struct feeds_door {
    const char *dir;
    struct map by_handle;
    uint64_t last;
};

struct feed_socket {
    uint64_t handle;
    nng_socket socket;
    char path[PATH_BYTES];
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

struct feeds_door *feeds_door_create(const char *dir)
{
    struct feeds_door *feeds = mem_zalloc(sizeof *feeds);
    feeds->dir = dir;
    mkdir(dir, 0700);
    remove_leftovers(dir);
    return feeds;
}

static void close_socket(struct feed_socket *feed)
{
    nng_close(feed->socket);
    unlink(feed->path);
    mem_free(feed);
}

void feeds_door_destroy(struct feeds_door *feeds)
{
    if (!feeds)
        return;
    size_t cursor = 0;
    for (struct feed_socket *feed; (feed = map_next(&feeds->by_handle, &cursor));)
        close_socket(feed);
    map_finish(&feeds->by_handle);
    mem_free(feeds);
}

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
    int rc =
        len >= (int)sizeof feed->path || strlen(full) >= size ? NNG_EADDRINVAL : start(feed, full);
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
        close_socket(feed);
}

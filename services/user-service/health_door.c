#include "health_door.h"

#include "base/address.h"
#include "base/mem.h"

#include <errno.h>
#include <microhttpd.h>
#include <string.h>

#define PATH "/health"
/* Those who ask are few, and say little. */
#define CONNECTIONS 16u
#define IDLE_S 5u
#define CONNECTION_BYTES ((size_t)4096)

struct health_door {
    struct MHD_Daemon *daemon;
    bool (*is_well)(void *arg);
    void *arg;
};

static enum MHD_Result respond(struct MHD_Connection *connection, unsigned status, const char *body)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        strlen(body), (void *)(uintptr_t)body, MHD_RESPMEM_PERSISTENT);
    if (!response)
        return MHD_NO;
    if (*body)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                                      "application/health+json");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *data,
                                  size_t *len, void **seen)
{
    struct health_door *door = arg;
    bool reads =
        strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    (void)version;
    (void)data;
    (void)len;
    (void)seen;
    if (strcmp(path, PATH) != 0)
        return respond(connection, MHD_HTTP_NOT_FOUND, "");
    if (!reads)
        return respond(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "");
    return door->is_well(door->arg)
               ? respond(connection, MHD_HTTP_OK, "{\"status\":\"pass\"}")
               : respond(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "{\"status\":\"fail\"}");
}

int health_door_open(struct health_door **out, const char *listen, bool (*is_well)(void *arg),
                     void *arg)
{
    union address address;
    unsigned flags = MHD_USE_AUTO_INTERNAL_THREAD;
    int rc = address_parse(&address, listen);
    if (rc < 0)
        return rc;
    struct health_door *door = mem_zalloc(sizeof *door);
    door->is_well = is_well;
    door->arg = arg;
    if (address.any.sa_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    errno = 0;
    door->daemon =
        MHD_start_daemon(flags, 0, NULL, NULL, on_request, door, MHD_OPTION_SOCK_ADDR, &address.any,
                         MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
                         IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES,
                         MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    if (!door->daemon) {
        rc = errno ? -errno : -EADDRNOTAVAIL;
        mem_free(door);
        return rc;
    }
    *out = door;
    return 0;
}

void health_door_close(struct health_door *door)
{
    if (!door)
        return;
    MHD_stop_daemon(door->daemon);
    mem_free(door);
}

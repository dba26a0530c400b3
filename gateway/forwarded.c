#include "forwarded.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <string.h>
#include <strings.h>

bool forwarded_last(const char *list, char *out, size_t size)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr ignored;
    const char *comma = strrchr(list, ','), *last = comma ? comma + 1 : list;
    last += strspn(last, " \t");
    size_t len = strcspn(last, " \t");
    if (len >= sizeof text || len >= size)
        return false;
    memcpy(text, last, len);
    text[len] = '\0';
    if (inet_pton(AF_INET, text, &ignored) != 1 && inet_pton(AF_INET6, text, &ignored) != 1)
        return false;
    memcpy(out, text, len + 1);
    return true;
}

struct search {
    const char *header, *last;
};

static enum MHD_Result look(void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
    struct search *search = arg;
    (void)kind;
    if (value && strcasecmp(key, search->header) == 0)
        search->last = value;
    return MHD_YES;
}

/* A proxy may add a header of its own behind the client's. */
bool forwarded_address(struct MHD_Connection *connection, const char *header, char *out,
                       size_t size)
{
    struct search search = {.header = header};
    (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, look, &search);
    return search.last && forwarded_last(search.last, out, size);
}

#include "forwarded.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LARGEST_PORT 65535ul
#define PORT_DIGITS 5u

static bool is_port(const char *text)
{
    size_t len = strspn(text, "0123456789");
    return len > 0 && len <= PORT_DIGITS && !text[len] && strtoul(text, NULL, 10) <= LARGEST_PORT;
}

/* Ends the text at `end`, behind which a port may be. */
static bool cut_port(char *end)
{
    bool fine = !*end || (*end == ':' && is_port(end + 1));
    *end = '\0';
    return fine;
}

/* The address in the text, which ends there then. NULL: there is none. */
static char *find_address(char *text)
{
    struct in6_addr ignored;
    char *bracket = text[0] == '[' ? strchr(text, ']') : NULL, *colon = strchr(text, ':');
    if (bracket) {
        *bracket = '\0';
        return cut_port(bracket + 1) && inet_pton(AF_INET6, text + 1, &ignored) == 1 ? text + 1
                                                                                     : NULL;
    }
    if (inet_pton(AF_INET6, text, &ignored) == 1)
        return text;
    bool fine = !colon || cut_port(colon);
    return fine && inet_pton(AF_INET, text, &ignored) == 1 ? text : NULL;
}

bool forwarded_last(const char *list, char *out, size_t size)
{
    char text[INET6_ADDRSTRLEN + sizeof "[]:65535"];
    const char *comma = strrchr(list, ','), *last = comma ? comma + 1 : list;
    last += strspn(last, " \t");
    size_t len = strcspn(last, " \t");
    if (len >= sizeof text)
        return false;
    memcpy(text, last, len);
    text[len] = '\0';
    const char *address = find_address(text);
    if (!address || strlen(address) >= size)
        return false;
    memcpy(out, address, strlen(address) + 1);
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

#include "policy/allow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

#define MAPPED_BITS 96u

/* ---- reading ---- */

static bool read_number(const char *text, unsigned long most, unsigned long *out)
{
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return false;
    *out = strtoul(text, &end, 10);
    return *end == '\0' && end - text <= 5 && *out <= most;
}

/* An address, with the bits that a whole one has. */
static bool read_address(struct allow_entry *entry, const char *text, bool *is_v4)
{
    *is_v4 = inet_pton(AF_INET, text, entry->address + sizeof mapped) == 1;
    if (*is_v4)
        memcpy(entry->address, mapped, sizeof mapped);
    entry->bits = 128;
    return *is_v4 || inet_pton(AF_INET6, text, entry->address) == 1;
}

static bool read_block(struct allow_entry *entry, char *text)
{
    unsigned long bits;
    bool is_v4;
    char *slash = strchr(text, '/');
    if (slash)
        *slash = '\0';
    if (!read_address(entry, text, &is_v4))
        return false;
    if (slash && !read_number(slash + 1, is_v4 ? 32 : 128, &bits))
        return false;
    if (slash)
        entry->bits = (unsigned)bits + (is_v4 ? MAPPED_BITS : 0);
    return true;
}

static bool read_name(struct allow_entry *entry, const char *text)
{
    size_t len = strlen(text);
    if (len == 0 || len > ALLOW_NAME_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '.' && c != '_')
            return false;
        entry->name[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    return true;
}

/* "host:port"; an IPv6 address stands in brackets. */
static bool read_endpoint(struct allow_entry *entry, char *text)
{
    unsigned long port;
    bool is_v4;
    char *colon = strrchr(text, ':');
    if (!colon || !read_number(colon + 1, UINT16_MAX, &port) || port == 0)
        return false;
    *colon = '\0';
    entry->port = (uint16_t)port;
    size_t len = strlen(text);
    if (text[0] == '[' && len > 1 && text[len - 1] == ']') {
        text[len - 1] = '\0';
        return inet_pton(AF_INET6, text + 1, entry->address) == 1 && (entry->bits = 128);
    }
    return read_address(entry, text, &is_v4) ? is_v4 : read_name(entry, text);
}

static bool read_entry(struct allow_entry *entry, const char *text)
{
    char copy[ALLOW_NAME_MAX + 16];
    if (strlen(text) >= sizeof copy)
        return false;
    memcpy(copy, text, strlen(text) + 1);
    *entry = (struct allow_entry){0};
    if (read_block(entry, copy))
        return true;
    memcpy(copy, text, strlen(text) + 1);
    *entry = (struct allow_entry){0};
    return read_endpoint(entry, copy);
}

int allow_read(struct allow_list *out, char *const *texts, size_t n, char *why)
{
    struct allow_list list = {.n = n};
    if (n > ALLOW_MAX) {
        snprintf(why, ALLOW_WHY_BYTES, "at most %u entries", ALLOW_MAX);
        return -EINVAL;
    }
    for (size_t i = 0; i < n; i++) {
        if (!read_entry(&list.entries[i], texts[i])) {
            snprintf(why, ALLOW_WHY_BYTES,
                     "\"%.64s\" is neither an address, a block of them nor HOST:PORT", texts[i]);
            return -EINVAL;
        }
    }
    *out = list;
    return 0;
}

/* ---- judging ---- */

struct target {
    uint8_t address[16];
    uint16_t port;
};

static bool read_target(struct target *out, const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        memcpy(out->address, mapped, sizeof mapped);
        memcpy(out->address + sizeof mapped, &in.sin_addr, 4);
        out->port = ntohs(in.sin_port);
        return true;
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, address, sizeof in);
        memcpy(out->address, &in.sin6_addr, sizeof out->address);
        out->port = ntohs(in.sin6_port);
        return true;
    }
    return false;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    return memcmp(a, b, whole) == 0 && (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

/* What no name may stand for: only an entry with the address itself lets it through. */
static bool is_special(const uint8_t address[16])
{
    static const struct special {
        uint8_t address[16];
        unsigned bits;
    } special[] = {
        {{[10] = 0xff, [11] = 0xff, 169, 254}, 112}, /* link-local, and metadata services */
        {{[10] = 0xff, [11] = 0xff, 0}, 104},        /* this network */
        {{[10] = 0xff, [11] = 0xff, 224}, 99},       /* multicast and beyond */
        {{0xfe, 0x80}, 10},                          /* link-local */
        {{0xff}, 8},                                 /* multicast */
        {{0xfd, 0x00, 0x0e, 0xc2}, 32},              /* metadata services */
        {{[15] = 0}, 128},                           /* none at all */
    };
    for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
        if (same_bits(address, special[i].address, special[i].bits))
            return true;
    }
    return false;
}

static bool matches(const struct allow_entry *entry, const char *name, const struct target *target)
{
    if (entry->port != 0 && entry->port != target->port)
        return false;
    if (entry->name[0])
        return strcasecmp(entry->name, name) == 0 && !is_special(target->address);
    return same_bits(entry->address, target->address, entry->bits);
}

bool allow_admits(const struct allow_list *list, const char *name, const struct sockaddr *address)
{
    struct target target;
    if (!read_target(&target, address))
        return false;
    for (size_t i = 0; i < list->n; i++) {
        if (matches(&list->entries[i], name, &target))
            return true;
    }
    return false;
}

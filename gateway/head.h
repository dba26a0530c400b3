/* head.h - is the head of an HTTP request, from its line to the empty line, written as RFC 9112
 * says? Whoever forwards requests and whoever answers them must agree where each ends, and they
 * only do about requests that are. Pure; bytes come in any pieces. */
#ifndef GATEWAY_HEAD_H
#define GATEWAY_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct head {
    uint8_t state; /* all zero: the head begins */
    bool in_fields;
    bool ended;
    const char *defect; /* static text; NULL: none so far */
};

/* Looks at bytes until the head has ended or has a defect; what comes then is not looked at. */
void head_feed(struct head *head, const uint8_t *bytes, size_t len);

#endif

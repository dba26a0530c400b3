/* clinic.h - a tiny HTTP server on the loopback that says of itself what a test wants. Each
 * connection gets one answer. */
#ifndef DIALOGUE_CLINIC_H
#define DIALOGUE_CLINIC_H

#include <pthread.h>
#include <stdatomic.h>

enum clinic_answer {
    CLINIC_PASS,     /* 200, {"status": "pass"} */
    CLINIC_WARN,     /* 200, {"status": "warn"} */
    CLINIC_FAIL,     /* 503 */
    CLINIC_REDIRECT, /* 302 to `elsewhere` */
    CLINIC_ENDLESS,  /* 200 and a body of blanks that does not end */
    CLINIC_OBJECT,   /* 200 and an object that does not */
    CLINIC_PAGE,     /* 200 and a page that does not */
    CLINIC_SILENT,   /* reads, and says nothing */
};

struct clinic {
    int listener, port;
    int elsewhere; /* a port */
    pthread_t thread;
    atomic_int answer;
    atomic_uint visits;
};

void clinic_open(struct clinic *clinic, enum clinic_answer answer);
void clinic_close(struct clinic *clinic);

#endif

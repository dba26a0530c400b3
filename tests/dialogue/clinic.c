#include "clinic.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

static void send_text(int peer, const char *text)
{
    (void)!send(peer, text, strlen(text), MSG_NOSIGNAL);
}

static void answer_fully(int peer, const char *status, const char *headers, const char *body)
{
    char text[512];
    snprintf(text, sizeof text,
             "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\nConnection: close\r\n\r\n%s", status, headers,
             strlen(body), body);
    send_text(peer, text);
}

/* Until the other side has had enough. */
static void answer_without_end(int peer, const char *beginning)
{
    send_text(peer, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    send_text(peer, beginning);
    char some[1024];
    memset(some, ' ', sizeof some);
    while (send(peer, some, sizeof some, MSG_NOSIGNAL) > 0)
        ;
}

static void serve(struct clinic *clinic, int peer)
{
    char request[2048], location[96];
    while (recv(peer, request, sizeof request, 0) < 0)
        ;
    switch (atomic_load(&clinic->answer)) {
    case CLINIC_PASS:
        answer_fully(peer, "200 OK", "", "{\"status\": \"pass\"}");
        break;
    case CLINIC_WARN:
        answer_fully(peer, "200 OK", "", "{\"status\": \"warn\"}");
        break;
    case CLINIC_FAIL:
        answer_fully(peer, "503 Service Unavailable", "", "");
        break;
    case CLINIC_REDIRECT:
        snprintf(location, sizeof location, "Location: http://127.0.0.1:%d/\r\n",
                 clinic->elsewhere);
        answer_fully(peer, "302 Found", location, "");
        break;
    case CLINIC_ENDLESS:
        answer_without_end(peer, " ");
        break;
    case CLINIC_OBJECT:
        answer_without_end(peer, "\n{\"status\": ");
        break;
    case CLINIC_PAGE:
        answer_without_end(peer, "<!DOCTYPE html>");
        break;
    default:
        while (recv(peer, request, sizeof request, 0) > 0) /* until it gives up */
            ;
    }
}

static void *run(void *arg)
{
    struct clinic *clinic = arg;
    for (int peer; (peer = accept(clinic->listener, NULL, NULL)) >= 0;) {
        atomic_fetch_add(&clinic->visits, 1);
        serve(clinic, peer);
        close(peer);
    }
    return NULL;
}

void clinic_open(struct clinic *clinic, enum clinic_answer answer)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    clinic->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(clinic->listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(clinic->listener, 16), 0);
    assert_int_equal(getsockname(clinic->listener, (struct sockaddr *)&address, &len), 0);
    clinic->port = ntohs(address.sin_port);
    clinic->elsewhere = 0;
    atomic_init(&clinic->answer, answer);
    atomic_init(&clinic->visits, 0);
    assert_int_equal(pthread_create(&clinic->thread, NULL, run, clinic), 0);
}

void clinic_close(struct clinic *clinic)
{
    shutdown(clinic->listener, SHUT_RDWR);
    pthread_join(clinic->thread, NULL);
    close(clinic->listener);
}

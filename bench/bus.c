#include "bus.h"

#include "broker.h"

#include "base/clock.h"
#include "base/mem.h"
#include "measure/fail.h"
#include "shim/threads.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define OUTBOX_FLOOR ((size_t)16 << 20)
#define ENVELOPE_ROOM 512u

static char *read_token(const char *path)
{
    char text[16384];
    if (!path) {
        fprintf(stderr, "farebox-bench: --url needs --token-file\n");
        exit(EX_USAGE);
    }
    FILE *file = fopen(path, "re");
    if (!file)
        fail_with("%s: %s", path, strerror(errno));
    size_t len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[len] = '\0';
    text[strcspn(text, " \r\n")] = '\0';
    return mem_strdup(text);
}

void bus_open(struct bus *bus, struct bench_options *options)
{
    if (options->url) {
        *bus = (struct bus){.broker = options->broker_pid,
                            .url = mem_strdup(options->url),
                            .token = read_token(options->token_file)};
        return;
    }
    bus->exec_ns = clock_mono_ns();
    bus->broker = broker_start(options->transport, &bus->url, &bus->token);
    options->broker_pid = bus->broker;
}

void bus_close(struct bus *bus)
{
    if (bus->exec_ns)
        broker_stop();
    mem_free(bus->url);
    mem_free(bus->token);
}

fbx_bus *bus_connect(const struct bus *bus, const char *name, const struct bench_options *options)
{
    size_t load = (size_t)options->window * (options->size + ENVELOPE_ROOM) * 2;
    fbx_options wanted = {.url = bus->url,
                          .token = bus->token,
                          .name = name,
                          .default_timeout_ms = 10000,
                          .outbox_bytes = load > OUTBOX_FLOOR ? load : OUTBOX_FLOOR};
    fbx_bus *session = NULL;
    threads_leave_one();
    int error = fbx_connect(&session, &wanted);
    if (error)
        fail_with("connect to %s: %s %s", bus->url, fbx_error_text(error), fbx_last_error());
    return session;
}

static void echo(void *arg, fbx_request *request)
{
    (void)arg;
    fbx_respond(request, fbx_request_payload(request), NULL);
}

void bus_serve_echo(fbx_bus *session, const char *name, uint32_t capacity)
{
    const fbx_service service = {.name = name,
                                 .capacity = capacity,
                                 .methods = (const char *const[]){"echo", NULL},
                                 .on_io_thread = true,
                                 .handler = echo};
    int error = fbx_serve(session, &service);
    if (error)
        fail_with("serve: %s %s", fbx_error_text(error), fbx_last_error());
}

void *bus_body(size_t size)
{
    unsigned char *body = mem_zalloc(size);
    size_t header = size <= 2 + 0xff ? 2 : size <= 3 + 0xffff ? 3 : 5;
    size_t len = size - header;
    body[0] = header == 2 ? 0xc4 : header == 3 ? 0xc5 : 0xc6;
    for (size_t i = header - 1; i > 0; i--, len >>= 8)
        body[i] = (unsigned char)len;
    return body;
}

#include "front.h"

#include "../testing.h"

#include <stdlib.h>
#include <string.h>

#define FLAGS_MAX 24

struct front front;

static void start_host(void)
{
    char echo[256];
    build_path(echo, sizeof echo, "lib/farebox/echo.so");
    char *token =
        place_token_file(front.place, "platform", "host", (const char *const[]){"serve:*", NULL});
    front.host = place_start(front.place, "farebox-host ready",
                             (const char *const[]){"farebox-host", "--url", front.place->url,
                                                   "--token-file", token, echo, NULL});
    free(token);
}

/* It serves before the broker has answered it, and would say so. */
static void await_gateway(void)
{
    char line[1024];
    bool ready = false, connected = false;
    while (!ready || !connected) {
        assert_true(process_line(front.gateway, "", line, sizeof line));
        ready |= strstr(line, "farebox-gateway ready") != NULL;
        connected |= strstr(line, "event=bus.connected") != NULL;
    }
}

static void start_gateway(const char *const *flags)
{
    char listen[32];
    char *token = place_token_file(front.place, "platform", "gateway", (const char *const[]){NULL});
    const char *argv[FLAGS_MAX] = {
        "farebox-gateway", "--url", front.place->url, "--token-file", token, "--listen", listen};
    size_t n = 7;
    front.port = free_port();
    snprintf(listen, sizeof listen, "127.0.0.1:%d", front.port);
    for (; flags && *flags && n + 1 < FLAGS_MAX; flags++)
        argv[n++] = *flags;
    front.gateway = place_start(front.place, NULL, argv);
    await_gateway();
    free(token);
}

void front_start_broker(void)
{
    place_start_broker(front.place,
                       (const char *const[]){"--grace-ms", "300", "--tier",
                                             "trial per-minute=100 burst=10 monthly=5000", NULL});
}

void front_open_with(const char *const *flags)
{
    front.place = place_create();
    front_start_broker();
    start_host();
    start_gateway(flags);
    front.ann = place_token(front.place, "acme", "ann", "trial",
                            (const char *const[]){"call:*", "publish:>", "subscribe:>", NULL});
}

int front_open(void **state)
{
    (void)state;
    front_open_with(
        (const char *const[]){"--cors-origin", "https://app.example.com", "--route",
                              "PUT /api/notes/{id} echo.echo query=draft:bool body=text", NULL});
    return 0;
}

int front_close(void **state)
{
    (void)state;
    free(front.ann);
    place_destroy(front.place);
    front = (struct front){0};
    return 0;
}

int front_ask(const char *request, const char *token, const char *body)
{
    return http_once(front.port, request, token, body, front.answer, sizeof front.answer);
}

void front_says(const char *text)
{
    if (!strstr(front.answer, text))
        fail_msg("no \"%s\" in: %s", text, front.answer);
}

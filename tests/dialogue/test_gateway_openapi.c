/* The document says what happens: each answer is one that it announces. */
#include "../testing.h"

#include "front.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static json_t *document(const char *token)
{
    assert_int_equal(front_ask("GET /openapi.json", token, NULL), 200);
    json_t *root = json_loads(strstr(front.answer, "\r\n\r\n") + 4, 0, NULL);
    assert_non_null(root);
    assert_string_equal(json_string_value(json_object_get(root, "openapi")), "3.1.0");
    return root;
}

/* What "#/components/responses/Problem" points at, or the thing itself. */
static json_t *resolved(json_t *root, json_t *thing)
{
    char path[128];
    const char *ref = json_string_value(json_object_get(thing, "$ref"));
    if (!ref)
        return thing;
    snprintf(path, sizeof path, "%s", ref + 2);
    for (char *rest = NULL, *name = strtok_r(path, "/", &rest); name;
         name = strtok_r(NULL, "/", &rest))
        root = json_object_get(root, name);
    return root;
}

static const struct request {
    const char *line, *path, *method, *body;
    bool with_token;
    int status;
} requests[] = {
    {"POST /v1/call/echo/echo", "/v1/call/{service}/{method}", "post", "1", true, 200},
    {"POST /v1/call/echo/echo", "/v1/call/{service}/{method}", "post", "1", false, 401},
    {"POST /v1/call/ghost/echo", "/v1/call/{service}/{method}", "post", "1", true, 404},
    {"POST /v1/publish/orders.new", "/v1/publish/{topic}", "post", "1", true, 202},
    {"PUT /api/notes/7?draft=true", "/api/notes/{id}", "put", "1", true, 200},
    {"PUT /api/notes/7?draft=maybe", "/api/notes/{id}", "put", "1", true, 400},
    {"GET /v1/me", "/v1/me", "get", NULL, true, 200},
    {"GET /v1/services", "/v1/services", "get", NULL, true, 200},
    {"GET /v1/usage?by=service,day", "/v1/usage", "get", NULL, true, 200},
    {"GET /v1/notifications", "/v1/notifications", "get", NULL, true, 404},
    {"GET /v1/subscribe", "/v1/subscribe", "get", NULL, true, 400},
    {"POST /v1/auth/login", "/v1/auth/login", "post", "{}", false, 400},
    {"GET /metrics", "/metrics", "get", NULL, true, 403},
    {"GET /livez", "/livez", "get", NULL, false, 200},
    {"GET /readyz", "/readyz", "get", NULL, false, 200},
    {"GET /openapi.json", "/openapi.json", "get", NULL, false, 200},
};

static void announces(json_t *root, const struct request *request)
{
    char status[8], header[64];
    snprintf(status, sizeof status, "%d", request->status);
    json_t *operation = json_object_get(
        json_object_get(json_object_get(root, "paths"), request->path), request->method);
    json_t *responses = json_object_get(operation, "responses");
    json_t *response = json_object_get(responses, status);
    response = resolved(root, response ? response : json_object_get(responses, "default"));
    void *type = json_object_iter(json_object_get(response, "content"));
    if (!type)
        fail_msg("%s %s: nothing is announced for %d", request->method, request->path,
                 request->status);
    snprintf(header, sizeof header, "\r\nContent-Type: %s", json_object_iter_key(type));
    front_says(header);
    if (!request->with_token && request->status < 300)
        assert_int_equal(json_array_size(json_object_get(operation, "security")), 0);
}

static void each_answer_is_announced(void **state)
{
    json_t *root = document(NULL);
    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        const struct request *request = &requests[i];
        int status =
            front_ask(request->line, request->with_token ? front.ann : NULL, request->body);
        if (status != request->status)
            fail_msg("%s: %s", request->line, front.answer);
        announces(root, request);
    }
    json_decref(root);
}

/* Everything that a parameter of the path stands for is described, and is a different operation. */
static void parameters_and_names_are_complete(void **state)
{
    json_t *root = document(NULL), *path, *operation, *ids = json_object();
    const char *name, *method;
    (void)state;
    json_object_foreach(json_object_get(root, "paths"), name, path)
    {
        json_object_foreach(path, method, operation)
        {
            json_t *parameter;
            size_t i, braces = 0, in_path = 0;
            for (const char *at = name; *at; at++)
                braces += *at == '{';
            json_array_foreach(json_object_get(operation, "parameters"), i, parameter)
            {
                in_path += strcmp(json_string_value(json_object_get(parameter, "in")), "path") == 0;
            }
            assert_int_equal(in_path, braces);
            const char *id = json_string_value(json_object_get(operation, "operationId"));
            assert_null(json_object_get(ids, id));
            json_object_set_new(ids, id, json_true());
        }
    }
    json_decref(ids);
    json_decref(root);
}

/* As broker, so document: who may not see a service does not find it here. */
static void services_are_those_the_token_may_use(void **state)
{
    static const char echo[] = "\"enum\":[\"echo\"]";
    char *eve = place_token(front.place, "acme", "eve", "trial", (const char *const[]){NULL});
    (void)state;
    json_decref(document(NULL));
    assert_null(strstr(front.answer, "enum"));
    json_decref(document(front.ann));
    front_says(echo);
    json_decref(document(eve));
    assert_null(strstr(front.answer, echo));
    free(eve);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, front_open, front_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_answer_is_announced),
        TEST(parameters_and_names_are_complete),
        TEST(services_are_those_the_token_may_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

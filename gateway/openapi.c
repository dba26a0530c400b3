#include "openapi.h"

#include "call.h"
#include "cookie.h"
#include "exchange.h"
#include "reply.h"
#include "wire/status.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define NO_BODY "GET"

/* ---- pieces ---- */

static json_t *schema_of(enum binding_type type)
{
    static const char *const names[] = {"string", "integer", "number", "boolean", "array"};
    json_t *schema = json_pack("{s:s}", "type", names[type]);
    if (type == BINDING_LIST)
        json_object_set_new(schema, "items", json_pack("{s:s}", "type", "string"));
    return schema;
}

static json_t *parameter(const char *name, const char *place, bool required, json_t *schema)
{
    return json_pack("{s:s, s:s, s:b, s:o}", "name", name, "in", place, "required", required,
                     "schema", schema);
}

static json_t *content(const char *type, json_t *schema)
{
    return json_pack("{s:{s:o}}", type, "schema", schema);
}

/* A list of texts is one text with commas between them. */
static json_t *list_parameter(const char *name)
{
    json_t *list = parameter(name, "query", false, schema_of(BINDING_LIST));
    json_object_set_new(list, "style", json_string("form"));
    json_object_set_new(list, "explode", json_false());
    return list;
}

/* ---- a path ---- */

static void add_path_parameters(json_t *list, const char *path, json_t *services)
{
    while ((path = strchr(path, '{'))) {
        char name[BINDING_NAME_BYTES];
        size_t len = strcspn(++path, "}");
        (void)snprintf(name, sizeof name, "%.*s", (int)len, path);
        json_t *schema = schema_of(BINDING_TEXT);
        if (services && strcmp(name, "service") == 0)
            json_object_set(schema, "enum", services);
        json_array_append_new(list, parameter(name, "path", true, schema));
    }
}

static json_t *parameters_of(const struct route *route, const char *path, json_t *services)
{
    json_t *list = json_array();
    const struct binding *binding = route->binding;
    add_path_parameters(list, path, binding ? NULL : services);
    for (size_t i = 0; binding && i < binding->n_query; i++) {
        const struct binding_query *query = &binding->query[i];
        json_array_append_new(list,
                              query->type == BINDING_LIST
                                  ? list_parameter(query->name)
                                  : parameter(query->name, "query", false, schema_of(query->type)));
    }
    if (route->query)
        json_array_append_new(list,
                              parameter(route->query, "query", true, schema_of(BINDING_TEXT)));
    return list;
}

static json_t *responses_of(const struct route *route)
{
    char status[8];
    json_t *schema = strcmp(route->type, ANSWER_JSON) == 0 ? json_true() : schema_of(BINDING_TEXT);
    (void)snprintf(status, sizeof status, "%u", route->status);
    return json_pack("{s:{s:s, s:o}, s:{s:s}}", status, "description", "Success", "content",
                     content(route->type, schema), "default", "$ref",
                     "#/components/responses/Problem");
}

static json_t *summary_of(const struct route *route)
{
    return route->summary
               ? json_string(route->summary)
               : json_sprintf("Call %s.%s", route->binding->service, route->binding->call);
}

/* GET /api/orders/{id} as "get_api_orders__id_"; where paths differ in nothing that shows, with a
 * number behind it. */
static json_t *id_of(const struct route *route, json_t *ids)
{
    char id[300];
    size_t n = 0;
    (void)snprintf(id, sizeof id, "%s%s", route->method, route->path);
    for (char *at = id; *at; at++, n++)
        *at = isalnum((unsigned char)*at) ? (char)tolower((unsigned char)*at) : '_';
    for (unsigned i = 2; json_object_get(ids, id); i++)
        (void)snprintf(id + n, sizeof id - n, "_%u", i);
    json_object_set_new(ids, id, json_true());
    return json_string(id);
}

static json_t *operation_of(const struct route *route, const char *path, json_t *ids,
                            json_t *services)
{
    json_t *operation = json_pack(
        "{s:o, s:o, s:o, s:o}", "operationId", id_of(route, ids), "summary", summary_of(route),
        "parameters", parameters_of(route, path, services), "responses", responses_of(route));
    if (strcmp(route->method, NO_BODY) != 0)
        json_object_set_new(operation, "requestBody",
                            json_pack("{s:o}", "content", content(ANSWER_JSON, json_true())));
    if (route->is_open)
        json_object_set_new(operation, "security", json_array());
    return operation;
}

/* The names of parameters are ours to choose, and paths that differ only in them are one. */
static const char *template_of(const struct route *list, const struct route *route)
{
    while (!route_same_shape(list->path, route->path))
        list++;
    return list->path;
}

static json_t *paths_of(const struct routes *routes, json_t *services)
{
    const struct route *list;
    json_t *paths = json_object(), *ids = json_object();
    size_t n = routes_all(routes, &list);
    for (size_t i = 0; i < n; i++) {
        const char *template = template_of(list, &list[i]);
        char method[8] = "";
        for (size_t c = 0; list[i].method[c] && c + 1 < sizeof method; c++)
            method[c] = (char)tolower((unsigned char)list[i].method[c]);
        json_t *path = json_object_get(paths, template);
        if (!path) {
            path = json_object();
            json_object_set_new(paths, template, path);
        }
        json_object_set_new(path, method, operation_of(&list[i], template, ids, services));
    }
    json_decref(ids);
    return paths;
}

/* ---- the document ---- */

static json_t *components(void)
{
    return json_pack(
        "{s:{s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s}},"
        " s:{s:{s:s, s:[s, s, s, s, s], s:{s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s},"
        " s:{s:s}}}},"
        " s:{s:{s:s, s:{s:{s:{s:s}}}}}}",
        "securitySchemes", "token", "type", "http", "scheme", "bearer", "bearerFormat", "JWT",
        "cookie", "type", "apiKey", "in", "cookie", "name", COOKIE_TOKEN, "schemas", "Problem",
        "type", "object", "required", "type", "title", "status", "code", "request_id", "properties",
        "type", "type", "string", "title", "type", "string", "status", "type", "integer", "code",
        "type", "string", "detail", "type", "string", "request_id", "type", "string", "retryable",
        "type", "boolean", "responses", "Problem", "description", "What went wrong (RFC 9457)",
        "content", "application/problem+json", "schema", "$ref", "#/components/schemas/Problem");
}

json_t *openapi_document(const struct routes *routes, json_t *services)
{
    return json_pack("{s:s, s:{s:s, s:s}, s:[{s:s}], s:[{s:[]}, {s:[]}], s:o, s:o}", "openapi",
                     "3.1.0", "info", "title", "Farebox", "version", FAREBOX_VERSION, "servers",
                     "url", "/", "security", "token", "cookie", "paths", paths_of(routes, services),
                     "components", components());
}

/* ---- the request ---- */

static void answer(struct exchange *x, json_t *services)
{
    json_t *document = openapi_document(x->routes, services);
    char *text = json_dumps(document, JSON_COMPACT);
    x->answer.http = (unsigned)status_http(STATUS_OK);
    x->answer.content_type = ANSWER_JSON;
    buf_append(&x->answer.body, text, strlen(text));
    json_decref(document);
    free(text);
}

static void on_services(struct exchange *x, const fbx_reply *reply)
{
    json_t *names = json_array(), *list = reply_json(reply), *service;
    size_t i;
    json_array_foreach(json_object_get(list, "services"), i, service)
    {
        json_array_append(names, json_object_get(service, "name"));
    }
    answer(x, names);
    json_decref(names);
    json_decref(list);
}

void openapi_handle(struct exchange *x)
{
    if (!exchange_token(x))
        answer(x, NULL);
    else
        call_begin(x, &(struct call){.service = "bus.registry",
                                     .method = "list",
                                     .payload = {(const uint8_t *)"\x80", 1}, /* {} */
                                     .idempotent = true,
                                     .on_ok = on_services});
}

/* Which path is which call: routes, bindings, escapes. */
#include "../testing.h"

#include "../../gateway/binding.h"
#include "../../gateway/forwarded.h"
#include "../../gateway/openapi.h"
#include "../../gateway/percent.h"
#include "../../gateway/route.h"

static void a_line_says_it_all(void **state)
{
    struct binding b;
    char why[BINDING_WHY_BYTES];
    (void)state;
    assert_int_equal(binding_read(&b,
                                  "PUT /api/orders/{id}/lines/{line} bus.usage.show "
                                  "query=limit:int,after,all:bool,tags:list,ratio:number body=note "
                                  "status=202 timeout-ms=250 idempotent",
                                  why),
                     0);
    assert_string_equal(b.method, "PUT");
    assert_string_equal(b.path, "/api/orders/{id}/lines/{line}");
    assert_string_equal(b.service, "bus.usage");
    assert_string_equal(b.call, "show");
    assert_int_equal(b.n_query, 5);
    assert_string_equal(b.query[1].name, "after");
    assert_int_equal(b.query[0].type, BINDING_INT);
    assert_int_equal(b.query[1].type, BINDING_TEXT);
    assert_int_equal(b.query[2].type, BINDING_BOOL);
    assert_int_equal(b.query[3].type, BINDING_LIST);
    assert_int_equal(b.query[4].type, BINDING_NUMBER);
    assert_string_equal(b.body, "note");
    assert_int_equal(b.status, 202);
    assert_int_equal(b.timeout_ms, 250);
    assert_true(b.idempotent);
}

static void a_wrong_line_is_named(void **state)
{
    static const struct {
        const char *line, *says;
    } wrong[] = {
        {"", "begins with GET"},
        {"get /a b.c", "begins with GET"},
        {"GET a b.c", "comes second"},
        {"GET /a//b b.c", "neither text nor"},
        {"GET /a{b} b.c", "neither text nor"},
        {"GET /{} b.c", "neither text nor"},
        {"GET /a", "comes third"},
        {"GET /a b", "comes third"},
        {"GET /a B.c", "comes third"},
        {"GET /{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i} b.c", "at most 8 parameters"},
        {"GET /a b.c d", "\"d\""},
        {"GET /a/../b b.c", "neither text nor"},
        {"GET /a/. b.c", "neither text nor"},
        {"GET /a/{x}/{x} b.c", "\"x\" is there twice"},
        {"GET /a b.c query=q,r:int,q", "\"q\" is there twice"},
        {"GET /a/{q} b.c query=q", "\"q\" is there twice"},
        {"POST /a/{x} b.c body=x", "\"x\" is there twice"},
        {"POST /a b.c body=x query=x:int", "\"x\" is there twice"},
        {"GET /a b.c body=x", "GET has no body"},
        {"GET /a b.c query=a:float", "query=a"},
        {"GET /a b.c query=A", "query=A"},
        {"GET /a b.c status=404", "status=404"},
        {"GET /a b.c timeout-ms=0", "timeout-ms=0"},
        {"GET /a b.c colour=red", "colour=red"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct binding b;
        char why[BINDING_WHY_BYTES] = "";
        assert_true(binding_read(&b, wrong[i].line, why) < 0);
        assert_non_null(strstr(why, wrong[i].says));
    }
}

struct lookup {
    struct routes *routes;
    struct route_match match;
    bool elsewhere;
};

static const char *find(struct lookup *lookup, const char *method, const char *path)
{
    const struct route *route =
        routes_find(lookup->routes, method, path, &lookup->match, &lookup->elsewhere);
    return route ? route->path : NULL;
}

static void allows(const struct routes *routes, const char *path, const char *methods)
{
    char out[ROUTE_METHODS_BYTES];
    routes_methods(routes, path, out);
    assert_string_equal(out, methods);
}

static void the_route_that_says_most_is_taken(void **state)
{
    char *lines[] = {"GET /o/{id} o.get", "GET /o/new o.new", "POST /o o.create",
                     "PUT /o/new o.renew"};
    struct text_list list = {lines, 4};
    struct lookup lookup = {0};
    char why[BINDING_WHY_BYTES];
    size_t item = 0;
    (void)state;
    assert_int_equal(routes_create(&lookup.routes, &list, &item, why), 0);
    assert_string_equal(find(&lookup, "GET", "/o/new"), "/o/new");
    assert_string_equal(find(&lookup, "GET", "/o/7"), "/o/{id}");
    assert_int_equal(lookup.match.n, 1);
    assert_true(slice_is(lookup.match.params[0], "7"));
    assert_string_equal(find(&lookup, "POST", "/v1/call/bus.stats/show"),
                        "/v1/call/{service}/{method}");
    assert_true(slice_is(lookup.match.params[0], "bus.stats"));
    assert_null(find(&lookup, "DELETE", "/o/7"));
    assert_true(lookup.elsewhere);
    allows(lookup.routes, "/o/7", "GET, HEAD");
    allows(lookup.routes, "/o/new", "GET, HEAD, PUT");
    for (size_t i = 0; i < 4; i++) {
        static const char *const nowhere[] = {"/o/7/", "/o/", "/p", ""};
        assert_null(find(&lookup, "GET", nowhere[i]));
        assert_false(lookup.elsewhere);
    }
    routes_unref(lookup.routes);
}

static void no_path_is_two_calls(void **state)
{
    char *lines[] = {"GET /o/{id} o.get", "GET /o/{number} o.find"};
    char *own[] = {"GET /v1/me o.me"};
    struct text_list twice = {lines, 2}, taken = {own, 1};
    struct routes *routes = NULL;
    char why[BINDING_WHY_BYTES];
    size_t item = 0;
    (void)state;
    assert_true(routes_create(&routes, &twice, &item, why) < 0);
    assert_int_equal(item, 1);
    assert_non_null(strstr(why, "there already"));
    assert_true(routes_create(&routes, &taken, &item, why) < 0);
    assert_null(routes);
}

static json_t *operation_of(const json_t *document, const char *path, const char *method)
{
    json_t *operation =
        json_object_get(json_object_get(json_object_get(document, "paths"), path), method);
    assert_non_null(operation);
    return operation;
}

static const char *id_of(const json_t *document, const char *path, const char *method)
{
    return json_string_value(json_object_get(operation_of(document, path, method), "operationId"));
}

/* Paths that look alike are told apart, and those that are one are there once. */
static void a_document_has_each_path_once(void **state)
{
    char *lines[] = {"GET /a/b o.get", "GET /a_b o.get", "GET /o/{id} o.get",
                     "DELETE /o/{number} o.delete"};
    struct text_list list = {lines, 4};
    struct routes *routes = NULL;
    char why[BINDING_WHY_BYTES];
    size_t item = 0;
    (void)state;
    assert_int_equal(routes_create(&routes, &list, &item, why), 0);
    json_t *document = openapi_document(routes, NULL);
    assert_string_equal(id_of(document, "/a/b", "get"), "get_a_b");
    assert_string_equal(id_of(document, "/a_b", "get"), "get_a_b_2");
    assert_string_equal(id_of(document, "/o/{id}", "get"), "get_o__id_");
    assert_null(json_object_get(json_object_get(document, "paths"), "/o/{number}"));
    json_t *parameters = json_object_get(operation_of(document, "/o/{id}", "delete"), "parameters");
    assert_string_equal(json_string_value(json_object_get(json_array_get(parameters, 0), "name")),
                        "id");
    json_decref(document);
    routes_unref(routes);
}

/* What a problem need not say is not required of it. */
static void a_problem_may_lack_a_detail(void **state)
{
    struct text_list none = {NULL, 0};
    struct routes *routes = NULL;
    char why[BINDING_WHY_BYTES];
    size_t item = 0, i;
    json_t *name;
    (void)state;
    assert_int_equal(routes_create(&routes, &none, &item, why), 0);
    json_t *document = openapi_document(routes, NULL);
    json_t *schemas = json_object_get(json_object_get(document, "components"), "schemas");
    json_t *required = json_object_get(json_object_get(schemas, "Problem"), "required");
    assert_int_equal(json_array_size(required), 5);
    json_array_foreach(required, i, name)
    {
        assert_string_not_equal(json_string_value(name), "detail");
    }
    json_decref(document);
    routes_unref(routes);
}

static void escapes_are_read_one_way(void **state)
{
    static const char *const broken[] = {"%", "%4", "%zz", "%00", "a%2fb", "%2F"};
    char path[] = "/a%20b/%c3%a9+%25";
    char query[] = "a+b%2Fc%26";
    (void)state;
    assert_true(percent_decode_path(path));
    assert_string_equal(path, "/a b/\xc3\xa9+%");
    assert_true(percent_decode_query(query));
    assert_string_equal(query, "a b/c&");
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        char text[16];
        (void)snprintf(text, sizeof text, "%s", broken[i]);
        assert_false(percent_decode_path(text));
    }
}

static void a_proxy_speaks_last(void **state)
{
    static const char *const known[][2] = {
        {"192.0.2.1", "192.0.2.1"},
        {"10.0.0.1, 192.0.2.1", "192.0.2.1"},
        {"nonsense,\t192.0.2.1 ", "192.0.2.1"},
        {"192.0.2.1,2001:db8::1", "2001:db8::1"},
        {"10.0.0.1, 192.0.2.1:1234", "192.0.2.1"},
        {"192.0.2.1:1", "192.0.2.1"},
        {"[2001:db8::1]:65535", "2001:db8::1"},
        {"[::1]", "::1"},
        {"[1111:2222:3333:4444:5555:6666:255.255.255.255]:65535",
         "1111:2222:3333:4444:5555:6666:255.255.255.255"},
        {"192.0.2.1:", NULL},
        {"192.0.2.1:x", NULL},
        {"192.0.2.1:1:2", NULL},
        {"192.0.2.1:65536", NULL},
        {"192.0.2.1:000080", NULL},
        {"[192.0.2.1]:80", NULL},
        {"[::1]80", NULL},
        {"[::1]:", NULL},
        {"[::1", NULL},
        {"::1]", NULL},
        {":80", NULL},
        {"[]:80", NULL},
        {"192.0.2.1,", NULL},
        {"192.0.2.1, unknown", NULL},
        {"", NULL},
        {"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char out[64] = "untouched";
        assert_true(forwarded_last(known[i][0], out, sizeof out) == (known[i][1] != NULL));
        assert_string_equal(out, known[i][1] ? known[i][1] : "untouched");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_proxy_speaks_last),
        cmocka_unit_test(a_line_says_it_all),
        cmocka_unit_test(a_wrong_line_is_named),
        cmocka_unit_test(the_route_that_says_most_is_taken),
        cmocka_unit_test(no_path_is_two_calls),
        cmocka_unit_test(a_document_has_each_path_once),
        cmocka_unit_test(a_problem_may_lack_a_detail),
        cmocka_unit_test(escapes_are_read_one_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

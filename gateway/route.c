#include "route.h"

#include "answer.h"
#include "base/mem.h"
#include "bound.h"
#include "call.h"
#include "own.h"

#include <errno.h>
#include <stdio.h>

#define OWN (own_routes_count + own_bindings_count)

struct routes {
    unsigned refs;
    struct binding *bindings;
    struct route *list;
    size_t n_bindings, n;
};

/* ---- one route ---- */

static bool ends_segment(char c)
{
    return c == '/' || c == '\0';
}

/* Asked of every route for every request: most are told apart by a letter or two. */
bool route_fits(const struct route *route, const char *path, struct route_match *match)
{
    const char *want = route->path;
    match->n = 0;
    for (;;) {
        if (*want == '{') {
            size_t has = strcspn(path, "/");
            if (has == 0 || match->n == ROUTE_PARAMS_MAX)
                return false;
            match->params[match->n++] = slice_make(path, has);
            want += strcspn(want, "/");
            path += has;
        } else {
            for (; *want == *path && !ends_segment(*want); want++)
                path++;
            if (!ends_segment(*want) || !ends_segment(*path))
                return false;
        }
        if (!*want || !*path)
            return *want == *path;
        want++;
        path++;
    }
}

/* ---- all of them ---- */

static void add(struct routes *self, const struct route *route)
{
    self->list[self->n++] = *route;
}

static void add_bound(struct routes *self, const struct binding *binding)
{
    add(self, &(struct route){.method = binding->method,
                              .path = binding->path,
                              .handler = bound_handle,
                              .binding = binding,
                              .type = ANSWER_JSON,
                              .status = binding->status});
}

bool route_same_shape(const char *a, const char *b)
{
    while (*a && *b) {
        size_t la = strcspn(a, "/"), lb = strcspn(b, "/");
        if ((a[0] == '{') != (b[0] == '{'))
            return false;
        if (a[0] != '{' && !slice_equal(slice_make(a, la), slice_make(b, lb)))
            return false;
        a += la + (a[la] == '/');
        b += lb + (b[lb] == '/');
    }
    return *a == *b;
}

static bool is_there(const struct routes *self, const struct binding *binding)
{
    for (size_t i = 0; i < self->n; i++)
        if (strcmp(self->list[i].method, binding->method) == 0 &&
            route_same_shape(self->list[i].path, binding->path))
            return true;
    return false;
}

static int take_line(struct routes *self, const char *line, char *why)
{
    struct binding *binding = &self->bindings[self->n_bindings];
    int rc = binding_read(binding, line, why);
    if (rc == 0 && is_there(self, binding)) {
        (void)snprintf(why, BINDING_WHY_BYTES, "%s %.64s is there already", binding->method,
                       binding->path);
        rc = -EINVAL;
    }
    if (rc == 0) {
        self->n_bindings++;
        add_bound(self, binding);
    }
    return rc;
}

int routes_create(struct routes **out, const struct text_list *lines, size_t *item, char *why)
{
    struct routes *self = mem_zalloc(sizeof *self);
    int rc = 0;
    self->refs = 1;
    self->bindings = mem_alloc((own_bindings_count + lines->n) * sizeof *self->bindings);
    self->list = mem_alloc((OWN + lines->n) * sizeof *self->list);
    for (size_t i = 0; i < own_routes_count; i++)
        add(self, &own_routes[i]);
    for (size_t i = 0; i < own_bindings_count && rc == 0; i++)
        rc = take_line(self, own_bindings[i], why);
    for (size_t i = 0; i < lines->n && rc == 0; i++) {
        *item = i;
        rc = take_line(self, lines->items[i], why);
    }
    if (rc == 0)
        *out = self;
    else
        routes_unref(self);
    return rc;
}

struct routes *routes_ref(struct routes *self)
{
    self->refs++;
    return self;
}

void routes_unref(struct routes *self)
{
    if (!self || --self->refs > 0)
        return;
    mem_free(self->bindings);
    mem_free(self->list);
    mem_free(self);
}

size_t routes_all(const struct routes *self, const struct route **list)
{
    *list = self->list;
    return self->n;
}

/* Of two that fit, /orders/new and /orders/{id}, the one that says more counts. */
static bool is_better(const struct route_match *match, const struct route_match *than)
{
    return match->n < than->n;
}

const struct route *routes_find(const struct routes *self, const char *method, const char *path,
                                struct route_match *match, bool *elsewhere)
{
    const struct route *found = NULL;
    struct route_match fit;
    *elsewhere = false;
    if (strcmp(method, "HEAD") == 0)
        method = "GET"; /* the body is left out when it is sent */
    for (size_t i = 0; i < self->n; i++) {
        const struct route *route = &self->list[i];
        if (!route_fits(route, path, &fit))
            continue;
        if (strcmp(route->method, method) != 0) {
            *elsewhere = true;
        } else if (!found || is_better(&fit, match)) {
            found = route;
            *match = fit;
        }
    }
    return found;
}

static bool is_named(const char *methods, const char *method)
{
    size_t len = strlen(method);
    for (const char *at = methods; (at = strstr(at, method)); at += len)
        if (at[len] == '\0' || at[len] == ',')
            return true;
    return false;
}

void routes_methods(const struct routes *self, const char *path, char out[ROUTE_METHODS_BYTES])
{
    struct route_match fit;
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < self->n && len < ROUTE_METHODS_BYTES; i++) {
        const struct route *route = &self->list[i];
        if (route_fits(route, path, &fit) && !is_named(out, route->method))
            len +=
                (size_t)snprintf(out + len, ROUTE_METHODS_BYTES - len, "%s%s%s", len ? ", " : "",
                                 route->method, strcmp(route->method, "GET") == 0 ? ", HEAD" : "");
    }
}

#include "bound.h"

#include "base/mem.h"
#include "call.h"
#include "exchange.h"
#include "percent.h"
#include "problem.h"
#include "wire/json.h"
#include "wire/pack.h"
#include "wire/utf8.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define NAMES_MAX (ROUTE_PARAMS_MAX + BINDING_QUERY_MAX + 1)

/* Arguments as they gather; the first defect stops it. */
struct arguments {
    struct exchange *exchange;
    const struct binding *binding;
    struct buf map; /* opened */
    uint32_t pairs;
    struct slice names[NAMES_MAX]; /* what the path, the query and body=NAME said */
    size_t n_names;
    char why[BINDING_WHY_BYTES];
};

__attribute__((format(printf, 2, 3))) static bool refuse(struct arguments *args, const char *format,
                                                         ...)
{
    va_list list;
    va_start(list, format);
    if (!args->why[0])
        (void)vsnprintf(args->why, sizeof args->why, format, list);
    va_end(list);
    return false;
}

static bool is_taken(const struct arguments *args, struct slice name)
{
    for (size_t i = 0; i < args->n_names; i++)
        if (slice_equal(args->names[i], name))
            return true;
    return false;
}

static void add_name(struct arguments *args, struct slice name)
{
    args->names[args->n_names++] = name;
    args->pairs++;
    pack_str(&args->map, name);
}

/* ---- the path ---- */

static bool add_path(struct arguments *args)
{
    const struct exchange *x = args->exchange;
    const char *at = args->binding->path;
    for (size_t i = 0; i < x->match.n; i++) {
        at = strchr(at, '{') + 1;
        size_t len = strcspn(at, "}");
        if (!utf8_valid(x->match.params[i]))
            return refuse(args, "the path is not UTF-8");
        add_name(args, slice_make(at, len));
        pack_str(&args->map, x->match.params[i]);
    }
    return true;
}

/* ---- the query ---- */

static bool add_list(struct buf *map, const char *value)
{
    uint32_t count = 0;
    size_t start = pack_open(map);
    while (*value) {
        size_t len = strcspn(value, ",");
        pack_str(map, slice_make(value, len));
        value += len + (value[len] == ',');
        count++;
    }
    pack_close_array(map, start, count);
    return true;
}

static bool add_int(struct buf *map, const char *value)
{
    char *end = NULL;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    if (errno != 0 || end == value || *end || value[0] == ' ' || value[0] == '+')
        return false;
    pack_int(map, number);
    return true;
}

/* As JSON says numbers and booleans, so that both ways in are read alike. */
static bool add_json(struct buf *map, const char *value, enum binding_type type)
{
    struct pack_value read;
    size_t start = map->len;
    if (msgpack_from_json(map, slice_of(value), NULL) < 0)
        return false;
    struct pack_reader reader = {map->data + start, map->data + map->len};
    (void)pack_read(&reader, &read);
    bool is_number = read.type == PACK_UINT || read.type == PACK_INT || read.type == PACK_FLOAT;
    return type == BINDING_BOOL ? read.type == PACK_BOOL : is_number;
}

static bool add_value(struct buf *map, const char *value, enum binding_type type)
{
    switch (type) {
    case BINDING_TEXT:
        pack_str(map, slice_of(value));
        return true;
    case BINDING_LIST:
        return add_list(map, value);
    case BINDING_INT:
        return add_int(map, value);
    case BINDING_NUMBER:
    case BINDING_BOOL:
        break;
    }
    return add_json(map, value, type);
}

static bool add_query(struct arguments *args, const char *name, const char *value)
{
    const struct binding *binding = args->binding;
    size_t i = 0;
    while (i < binding->n_query && strcmp(binding->query[i].name, name) != 0)
        i++;
    if (i == binding->n_query)
        return refuse(args, "there is no query parameter \"%.32s\"", name);
    const struct binding_query *query = &binding->query[i];
    if (is_taken(args, slice_of(query->name)))
        return refuse(args, "%s is there twice", name);
    add_name(args, slice_of(query->name));
    if (!utf8_valid(slice_of(value)) || !add_value(&args->map, value, query->type))
        return refuse(args, "%s is of another type", name);
    return true;
}

static enum MHD_Result take_query(void *arg, enum MHD_ValueKind kind, const char *key,
                                  const char *value)
{
    struct arguments *args = arg;
    char *name = mem_strdup(key), *text = mem_strdup(value ? value : "");
    (void)kind;
    bool fine = percent_decode_query(name) && percent_decode_query(text)
                    ? add_query(args, name, text)
                    : refuse(args, "the query has a broken escape");
    mem_free(name);
    mem_free(text);
    return fine ? MHD_YES : MHD_NO;
}

/* ---- the body ---- */

/* A member that the path or the query has said already is one too many: it would depend on the
 * reader which of them counts. */
static bool add_members(struct arguments *args, struct slice msgpack)
{
    fbx_value body, name, value;
    const unsigned char *cursor = NULL;
    struct pack_value head;
    struct pack_reader reader = {msgpack.data, msgpack.data + msgpack.len};
    if (!pack_read(&reader, &head) || head.type != PACK_MAP ||
        !fbx_read((fbx_bytes){msgpack.data, msgpack.len}, &body))
        return refuse(args, "the body is not an object");
    while (fbx_next(&body, &cursor, &name) && fbx_next(&body, &cursor, &value))
        if (is_taken(args, slice_make(name.as.bytes.data, name.as.bytes.len)))
            return refuse(args, "the body repeats what the path or the query says");
    buf_append(&args->map, reader.at, (size_t)(reader.end - reader.at));
    args->pairs += head.count;
    return true;
}

/* False: a defect gathered, or the answer says already what is wrong. */
static bool add_body(struct arguments *args)
{
    struct exchange *x = args->exchange;
    struct buf body = {0};
    if (x->body.len == 0)
        return true;
    bool fine = exchange_body(x, "null", &body);
    if (fine && args->binding->body[0]) {
        add_name(args, slice_of(args->binding->body));
        buf_append(&args->map, body.data, body.len);
    } else if (fine) {
        fine = add_members(args, buf_slice(&body));
    }
    buf_finish(&body);
    return fine;
}

/* ---- the call ---- */

void bound_handle(struct exchange *x)
{
    struct arguments args = {.exchange = x, .binding = x->route->binding};
    size_t start = pack_open(&args.map);
    if (add_path(&args))
        (void)MHD_get_connection_values(x->connection, MHD_GET_ARGUMENT_KIND, take_query, &args);
    if (!args.why[0] && add_body(&args)) {
        pack_close_map(&args.map, start, args.pairs);
        const struct call call = {.service = args.binding->service,
                                  .method = args.binding->call,
                                  .payload = buf_slice(&args.map),
                                  .timeout_ms = args.binding->timeout_ms,
                                  .idempotent = args.binding->idempotent};
        call_begin(x, &call);
    } else if (args.why[0]) {
        problem_of(&x->answer, STATUS_INVALID_ARGUMENT, args.why);
    }
    buf_finish(&args.map);
}

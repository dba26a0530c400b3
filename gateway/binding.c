#include "binding.h"

#include "base/name.h"
#include "route.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define LINE_BYTES 4096u

__attribute__((format(printf, 2, 3))) static int refuse(char *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why, BINDING_WHY_BYTES, format, args);
    va_end(args);
    return -EINVAL;
}

/* ---- METHOD /path SERVICE.METHOD ---- */

static int take_method(struct binding *b, const char *word, char *why)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    for (size_t i = 0; word && i < sizeof methods / sizeof *methods; i++)
        if (strcmp(word, methods[i]) == 0) {
            (void)snprintf(b->method, sizeof b->method, "%s", word);
            return 0;
        }
    return refuse(why, "begins with GET, POST, PUT, PATCH or DELETE");
}

/* A segment is plain text or a whole parameter, "{name}". Clients resolve "." and "..": nobody
 * would ever ask for them. */
static bool segment_fits(struct slice segment)
{
    if (slice_is(segment, ".") || slice_is(segment, ".."))
        return false;
    bool braced = segment.len > 2 && segment.data[0] == '{' && segment.data[segment.len - 1] == '}';
    if (braced)
        return name_valid(slice_make(segment.data + 1, segment.len - 2));
    for (size_t i = 0; i < segment.len; i++)
        if (segment.data[i] <= ' ' || segment.data[i] >= 0x7f || strchr("{}%?#", segment.data[i]))
            return false;
    return segment.len > 0;
}

static int take_path(struct binding *b, const char *word, char *why)
{
    if (!word || word[0] != '/' || strlen(word) >= sizeof b->path)
        return refuse(why, "a path such as /api/orders/{id} comes second");
    size_t params = 0;
    for (const char *at = word; *at;) {
        size_t len = strcspn(at + 1, "/");
        params += at[1] == '{';
        if (!segment_fits(slice_make(at + 1, len)))
            return refuse(why, "%.64s: \"%.*s\" is neither text nor a {parameter}", word,
                          len > 32 ? 32 : (int)len, at + 1);
        at += 1 + len;
    }
    if (params > ROUTE_PARAMS_MAX)
        return refuse(why, "%.64s: at most %u parameters", word, ROUTE_PARAMS_MAX);
    (void)snprintf(b->path, sizeof b->path, "%s", word);
    return 0;
}

static int take_target(struct binding *b, const char *word, char *why)
{
    const char *dot = word ? strrchr(word, '.') : NULL;
    struct slice service = dot ? slice_make(word, (size_t)(dot - word)) : slice_make(NULL, 0);
    if (!dot || !name_valid_service(service) || !name_valid(slice_of(dot + 1)))
        return refuse(why, "a call such as orders.get comes third");
    (void)snprintf(b->service, sizeof b->service, "%.*s", SLICE_FMT(service));
    (void)snprintf(b->call, sizeof b->call, "%s", dot + 1);
    return 0;
}

/* ---- the words behind them ---- */

static bool read_type(const char *text, enum binding_type *out)
{
    static const char *const types[] = {"text", "int", "number", "bool", "list"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(text, types[i]) == 0) {
            *out = (enum binding_type)i;
            return true;
        }
    return false;
}

static int take_query(struct binding *b, char *names, char *why)
{
    char *rest = NULL;
    for (char *name = strtok_r(names, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
        struct binding_query *query = &b->query[b->n_query];
        char *type = strchr(name, ':');
        if (type)
            *type++ = '\0';
        if (b->n_query == BINDING_QUERY_MAX)
            return refuse(why, "at most %u names in query=", BINDING_QUERY_MAX);
        query->type = BINDING_TEXT;
        if (!name_valid(slice_of(name)) || (type && !read_type(type, &query->type)))
            return refuse(why, "query=%.32s: a name, and perhaps :int, :number, :bool or :list",
                          name);
        (void)snprintf(query->name, sizeof query->name, "%s", name);
        b->n_query++;
    }
    return 0;
}

static int take_number(const char *text, uint32_t from, uint32_t to, uint32_t *out)
{
    char *end = NULL;
    unsigned long value = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || value < from || value > to)
        return -EINVAL;
    *out = (uint32_t)value;
    return 0;
}

static int take_word(struct binding *b, char *word, char *why)
{
    char *value = strchr(word, '=');
    if (strcmp(word, "idempotent") == 0) {
        b->idempotent = true;
        return 0;
    }
    if (!value)
        return refuse(why, "\"%.32s\": query=, body=, status=, timeout-ms= or idempotent", word);
    *value++ = '\0';
    if (strcmp(word, "query") == 0)
        return take_query(b, value, why);
    if (strcmp(word, "body") == 0 && name_valid(slice_of(value)))
        return (void)snprintf(b->body, sizeof b->body, "%s", value), 0;
    if (strcmp(word, "status") == 0 && take_number(value, 200, 299, &b->status) == 0)
        return 0;
    if (strcmp(word, "timeout-ms") == 0 && take_number(value, 1, 86400000, &b->timeout_ms) == 0)
        return 0;
    return refuse(why, "%.32s=%.32s: no such word, or not its kind of value", word, value);
}

/* ---- all of it ---- */

/* Each argument is said by one part of a request. */
static bool is_said_twice(const struct binding *b, struct slice name)
{
    char parameter[BINDING_NAME_BYTES + 2];
    unsigned times = slice_is(name, b->body);
    for (size_t i = 0; i < b->n_query; i++)
        times += slice_is(name, b->query[i].name);
    int len = snprintf(parameter, sizeof parameter, "{%.*s}", SLICE_FMT(name));
    for (const char *at = b->path; (at = strstr(at, parameter)); at += len)
        times++;
    return times > 1;
}

static int check_name(const struct binding *b, struct slice name, char *why)
{
    return is_said_twice(b, name) ? refuse(why, "\"%.*s\" is there twice", SLICE_FMT(name)) : 0;
}

static int check_names(const struct binding *b, char *why)
{
    int rc = 0;
    for (const char *at = b->path; rc == 0 && (at = strchr(at, '{')); at++)
        rc = check_name(b, slice_make(at + 1, strcspn(at + 1, "}")), why);
    for (size_t i = 0; rc == 0 && i < b->n_query; i++)
        rc = check_name(b, slice_of(b->query[i].name), why);
    if (rc == 0 && b->body[0] && strcmp(b->method, "GET") == 0)
        rc = refuse(why, "body=%s: GET has no body", b->body);
    return rc;
}

int binding_read(struct binding *out, const char *line, char *why)
{
    struct binding b = {.status = 200};
    char words[LINE_BYTES], *rest = NULL;
    if (strlen(line) >= sizeof words)
        return refuse(why, "longer than %u bytes", LINE_BYTES - 1);
    (void)snprintf(words, sizeof words, "%s", line);
    int rc = take_method(&b, strtok_r(words, " ", &rest), why);
    if (rc == 0)
        rc = take_path(&b, strtok_r(NULL, " ", &rest), why);
    if (rc == 0)
        rc = take_target(&b, strtok_r(NULL, " ", &rest), why);
    for (char *word; rc == 0 && (word = strtok_r(NULL, " ", &rest));)
        rc = take_word(&b, word, why);
    if (rc == 0)
        rc = check_names(&b, why);
    if (rc == 0)
        *out = b;
    return rc;
}

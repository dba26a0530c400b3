/* farebox.h - the Farebox bus for C programs.  Link with `pkg-config --libs farebox`.
 *
 * A bus is one session with the broker: it reconnects by itself, re-registers
 * its services and re-subscribes, and every frame crosses exactly once. All functions are
 * thread safe unless they say otherwise.
 *
 * Threads. Callbacks (on_reply, on_terms, on_part, on_event, on_answer, on_over, and handlers of
 * services marked `on_io_thread`) run on the library's I/O threads, one at a time for a bus: they
 * must not block, and a blocking function called from one returns FBX_EWOULDBLOCK. Handlers of
 * other services run on a pool of worker threads and may block and make nested calls.
 *
 * Functions that return int return 0 or a negative FBX_E… code; the outcome of a
 * call is a status, not an error code. Bytes in callbacks are borrowed until the callback returns.
 * Texts are UTF-8 (FBX_EINVAL if not); the message of a refusal is cut where it is not.
 */
#ifndef FAREBOX_H
#define FAREBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FBX_VERSION "0.1.0"
#if defined(__GNUC__)
#define FBX_API __attribute__((visibility("default")))
#else
#define FBX_API
#endif

/* Outcomes of calls; the numbers are those of farebox.v1.Status. */
enum fbx_status {
    FBX_OK = 0,
    FBX_INVALID_ARGUMENT = 1,
    FBX_UNAUTHENTICATED = 2,
    FBX_PERMISSION_DENIED = 3,
    FBX_SUBSCRIPTION_INSUFFICIENT = 4,
    FBX_SUBSCRIPTION_EXPIRED = 5,
    FBX_TENANT_MISMATCH = 6,
    FBX_SERVICE_NOT_FOUND = 7,
    FBX_METHOD_NOT_FOUND = 8,
    FBX_RATE_LIMITED = 9,
    FBX_QUOTA_EXCEEDED = 10,
    FBX_OVERLOADED = 11,
    FBX_BREAKER_OPEN = 12,
    FBX_UNAVAILABLE = 13,
    FBX_DEADLINE_EXCEEDED = 14,
    FBX_CANCELLED = 15,
    FBX_CONFLICT = 16,
    FBX_TOO_LARGE = 17,
    FBX_OUTCOME_UNKNOWN = 18,
    FBX_INTERNAL = 19
};

/* Errors of the library's own functions. */
enum fbx_error {
    FBX_EINVAL = -1,    /* an argument breaks the contract */
    FBX_ECLOSED = -2,   /* the bus is closed or closing */
    FBX_ETIMEDOUT = -3, /* the broker did not answer in time */
    FBX_EREFUSED =
        -4, /* the broker refused (bad token, missing permission, …): see fbx_last_error */
    FBX_EWOULDBLOCK = -5, /* would block an I/O thread, or the outbox is full */
    FBX_EUNREACHABLE = -6 /* nothing listens at the URL */
};

/* "permission_denied" and the like. */
FBX_API const char *fbx_status_text(int status);
FBX_API const char *fbx_error_text(int error);

typedef struct fbx_bus fbx_bus;
typedef struct fbx_request fbx_request;
typedef struct fbx_reply fbx_reply;
typedef struct fbx_context fbx_context;

typedef struct fbx_bytes {
    const void *data;
    size_t len;
} fbx_bytes;

/* ---- connecting ---- */

typedef struct fbx_options {
    const char *url;             /* "ipc:///run/farebox.sock", "tcp://host:7000", "tls+tcp://…" */
    const char *token;           /* JSON Web Token; copied */
    const char *name;            /* shown by the inspector; NULL: the program's name */
    uint32_t connect_timeout_ms; /* 0: 5000 */
    uint32_t default_timeout_ms; /* of calls that state none; 0: 30000 */
    uint32_t workers;            /* threads for handlers; 0: 4 */
    size_t outbox_bytes;         /* unsent and unacknowledged, at most; 0: 16 MiB */
    const char *tls_ca_file;     /* tls+tcp always verifies: required there */
    const char *tls_server_name; /* whom its certificate must name; NULL: the URL's host */
    void (*on_state)(void *arg, bool connected); /* may be NULL; I/O thread */
    void *on_state_arg;
    bool wait_for_broker; /* nobody there yet, or stopping: try again until the timeout */
} fbx_options;

/* Blocks until the broker welcomed the session, the timeout passed, or it was refused. Unless
 * told to wait for the broker, fails at once where nothing listens (FBX_EUNREACHABLE), and when
 * the broker takes nobody now (FBX_EREFUSED, "unavailable: …"). `*out` is untouched on failure. */
FBX_API int fbx_connect(fbx_bus **out, const fbx_options *options);
/* Finishes running handlers, says goodbye and frees; unanswered calls end with FBX_CANCELLED.
 * Takes NULL. Not from a callback. */
FBX_API void fbx_close(fbx_bus *bus);
/* Why connecting, or asking the broker, last failed on this thread; "" if it has not. */
FBX_API const char *fbx_last_error(void);
/* Round trip to the broker. Blocks. */
FBX_API int fbx_ping(fbx_bus *bus, uint32_t timeout_ms);

/* ---- calling ---- */

/* Called exactly once for each call that was accepted. The reply is borrowed:
 * fbx_reply_retain keeps it. */
typedef void (*fbx_on_reply)(void *arg, const fbx_reply *reply);

/* Called at most once, right before the first part of a streamed reply; not at all without parts,
 * or by a broker that does not say them. `terms` is a reply that says request id, tenant, tier,
 * rate and quota, and nothing else. It is borrowed: fbx_reply_retain keeps it. */
typedef void (*fbx_on_terms)(void *arg, const fbx_reply *terms);

typedef struct fbx_call_options {
    uint32_t timeout_ms;         /* 0: the bus's default; never more than what `parent` has left */
    const char *content_type;    /* NULL: application/msgpack */
    const char *idempotency_key; /* NULL: none */
    bool idempotent;             /* the broker and the library may try again */
    const fbx_request *parent;   /* nested call: made under that request's context */
    const fbx_context *context;  /* or: on behalf of this context */
    const char *token;           /* or: on behalf of this token's user (gateways) */
    const char *tenant;          /* NULL: own */
    const char *traceparent;
    const char *tracestate;
    const char *request_id; /* NULL: the broker makes one */
    /* a streamed reply: called for each part, before on_reply; NULL: parts are refused */
    void (*on_part)(void *arg, fbx_bytes part, uint32_t index);
    bool terms;            /* the reply says tenant, tier and quota */
    fbx_on_terms on_terms; /* with `terms`; may be NULL */
} fbx_call_options;

/* Asynchronous. `*id` (may be NULL) names it for fbx_cancel. `payload` is copied.
 * FBX_EWOULDBLOCK: the outbox is full. */
FBX_API int fbx_call_async(fbx_bus *bus, const char *service, const char *method, fbx_bytes payload,
                           const fbx_call_options *options, fbx_on_reply on_reply, void *arg,
                           uint64_t *id);
/* Blocks for the reply. 0 whenever there is one, whatever its status; free it
 * with fbx_reply_free. */
FBX_API int fbx_call(fbx_bus *bus, const char *service, const char *method, fbx_bytes payload,
                     const fbx_call_options *options, fbx_reply **out);
/* The call ends with FBX_CANCELLED at once, unless its reply is already here. */
FBX_API int fbx_cancel(fbx_bus *bus, uint64_t id);

FBX_API int fbx_reply_status(const fbx_reply *reply);
FBX_API fbx_bytes fbx_reply_payload(const fbx_reply *reply);
FBX_API const char *fbx_reply_content_type(const fbx_reply *reply);
FBX_API const char *fbx_reply_message(const fbx_reply *reply); /* "" when ok */
FBX_API const char *fbx_reply_request_id(const fbx_reply *reply);
FBX_API bool fbx_reply_retryable(const fbx_reply *reply);
FBX_API uint32_t fbx_reply_retry_after_ms(const fbx_reply *reply);
/* Calls a minute the caller's tier allows, and how many could be made now; 0 and 0: not limited. */
FBX_API uint32_t fbx_reply_rate_limit(const fbx_reply *reply);
FBX_API uint32_t fbx_reply_rate_remaining(const fbx_reply *reply);
/* Who the call was made for, if it asked for `terms` and they are known; else "". */
FBX_API const char *fbx_reply_tenant(const fbx_reply *reply);
FBX_API const char *fbx_reply_tier(const fbx_reply *reply);
/* Calls a month their tenant may make, and how many are left; 0 and 0: not limited, or not asked.
 */
FBX_API uint64_t fbx_reply_quota_limit(const fbx_reply *reply);
FBX_API uint64_t fbx_reply_quota_remaining(const fbx_reply *reply);
/* It is the answer that was given before for the same idempotency key. */
FBX_API bool fbx_reply_replayed(const fbx_reply *reply);
/* A named detail of a refusal (e.g. "permission", "required_tier"), or NULL. */
FBX_API const char *fbx_reply_detail(const fbx_reply *reply, const char *key);
FBX_API size_t fbx_reply_details(const fbx_reply *reply);
FBX_API const char *fbx_reply_detail_at(const fbx_reply *reply, size_t index, const char **value);
FBX_API fbx_reply *fbx_reply_retain(const fbx_reply *reply);
FBX_API void fbx_reply_free(fbx_reply *reply);

/* ---- batching ----
 * What gathers while an exchange is under way travels together without asking. A
 * program with its own event loop may hold everything back and send it once a turn, or
 * when enough is there. Answers come meanwhile, and what has gathered may leave with the next
 * question for more of them. Nests; callbacks are corked already. */
FBX_API void fbx_cork(fbx_bus *bus);
FBX_API void fbx_uncork(fbx_bus *bus);

/* ---- who a request or event is for ---- */

FBX_API const char *fbx_context_tenant(const fbx_context *context);
FBX_API const char *fbx_context_user(const fbx_context *context);
FBX_API const char *fbx_context_tier(const fbx_context *context);
FBX_API const char *fbx_context_subscription_status(const fbx_context *context);
FBX_API const char *fbx_context_billing_customer(const fbx_context *context);
FBX_API size_t fbx_context_permissions(const fbx_context *context);
FBX_API const char *fbx_context_permission_at(const fbx_context *context, size_t index);
/* One of the tenant's own, or of its tier. */
FBX_API bool fbx_context_has_feature(const fbx_context *context, const char *feature);
FBX_API uint32_t fbx_context_depth(const fbx_context *context);
/* Keeps it beyond its request; free with fbx_context_free. */
FBX_API fbx_context *fbx_context_retain(const fbx_context *context);
FBX_API void fbx_context_free(fbx_context *context);

/* ---- serving ---- */

/* The handler owns the request until it answers it: exactly one of fbx_respond,
 * fbx_respond_status, fbx_refuse, fbx_refuse_as, now or later, from any thread. */
typedef void (*fbx_handler)(void *arg, fbx_request *request);

typedef enum fbx_health {
    FBX_HEALTHY,
    FBX_DEGRADED, /* calls go elsewhere while there is a better instance */
    FBX_UNHEALTHY /* no calls; in flight ones go on */
} fbx_health;

typedef struct fbx_service {
    const char *name;
    const char *version;         /* NULL: "0" */
    uint32_t capacity;           /* requests at a time; 0: the broker's default */
    const char *const *methods;  /* NULL-terminated; NULL: not declared */
    const char *tenant;          /* serve only this tenant (own); NULL: everyone */
    const char *minimum_tier;    /* NULL: none */
    const char *const *requires; /* services this one calls; NULL-terminated or NULL */
    const char *health_endpoint; /* NULL: none; an http(s) URL is what is checked */
    bool on_io_thread;           /* the handler never blocks: run it without a thread switch */
    fbx_handler handler;
    void *arg;
    void (*on_cancel)(void *arg, fbx_request *request); /* may be NULL; I/O thread; still answer */
    const char *const *method_tiers;      /* "method=tier", in place of minimum_tier; as methods */
    const char *const *business_features; /* the caller's tenant must have all; as methods */
    bool tenant_aware;                    /* keeps its tenants apart by the request's context */
    bool core; /* of the platform, rather than of its business: for people to see */
    /* How often the broker asks how it is; 0: while its session lives it is taken to be well. */
    uint32_t health_interval_ms;
    uint32_t health_timeout_ms;        /* 0: the interval, or 2 s */
    uint32_t health_rise, health_fall; /* in a row to be ready, and down; 0: 2 and 3 */
    /* Answers, unless an endpoint does; I/O thread, never blocks. NULL: it is well if we live. */
    fbx_health (*on_health)(void *arg);
} fbx_service;

/* Registers; blocks for the broker's word. FBX_EREFUSED: e.g. missing permission. What fails
 * leaves nothing behind: it is not registered later. Strings are copied. */
FBX_API int fbx_serve(fbx_bus *bus, const fbx_service *service);
/* No new requests; those running finish. Blocks for the broker's word as long as it is there: one
 * that comes back hears of it then. */
FBX_API int fbx_unserve(fbx_bus *bus, const char *name);
/* Blocks until every request held has been answered or is past its deadline; FBX_ETIMEDOUT. */
FBX_API int fbx_await_requests(fbx_bus *bus, uint32_t timeout_ms);

FBX_API const char *fbx_request_service(const fbx_request *request);
FBX_API const char *fbx_request_method(const fbx_request *request);
FBX_API fbx_bytes fbx_request_payload(const fbx_request *request);
FBX_API const char *fbx_request_content_type(const fbx_request *request);
FBX_API const char *fbx_request_id(const fbx_request *request);
FBX_API const char *fbx_request_traceparent(const fbx_request *request);
FBX_API const char *fbx_request_idempotency_key(const fbx_request *request); /* "" if none */
FBX_API const fbx_context *fbx_request_context(const fbx_request *request);
/* Milliseconds left; 0 when over. */
FBX_API uint32_t fbx_request_remaining_ms(const fbx_request *request);
FBX_API bool fbx_request_cancelled(const fbx_request *request);
FBX_API bool fbx_request_wants_stream(const fbx_request *request);
FBX_API fbx_bus *fbx_request_bus(const fbx_request *request);

/* One part of a streamed reply; blocks while the outbox is full (FBX_EWOULDBLOCK on an I/O thread).
 * FBX_ECLOSED: the caller is gone or does not stream. */
FBX_API int fbx_send_part(fbx_request *request, fbx_bytes part);
/* Answers consume the request. content_type NULL: application/msgpack. */
FBX_API void fbx_respond(fbx_request *request, fbx_bytes payload, const char *content_type);
FBX_API void fbx_respond_status(fbx_request *request, int status, const char *message);

#define FBX_DETAILS_MAX 16

typedef struct fbx_refusal {
    int status;
    const char *message; /* for people; NULL: none */
    /* For programs: a name, its value, and so on, NULL-terminated; NULL: none. Those over
     * FBX_DETAILS_MAX, or with a text over 4 KiB, are left out. */
    const char *const *details;
    uint32_t retry_after_ms; /* 0: not said */
} fbx_refusal;
/* Like fbx_respond_status, and says more. Everything is copied. */
FBX_API void fbx_refuse(fbx_request *request, const fbx_refusal *refusal);
/* The same refusal for whoever asked here: status, message, details, when to come back. */
FBX_API void fbx_refuse_as(fbx_request *request, const fbx_reply *reply);

/* ---- events ---- */

typedef struct fbx_event {
    const char *topic, *content_type, *event_id, *tenant, *user, *traceparent;
    fbx_bytes payload;
    uint64_t sequence;
    uint64_t missed;            /* events lost just before this one: this subscriber is too slow */
    const fbx_context *context; /* only for subscriptions across tenants, else NULL */
} fbx_event;

typedef struct fbx_publish_options {
    const char *content_type, *event_id, *tenant, *traceparent;
    const fbx_request *parent; /* under that request's context */
    const fbx_context *context;
    const char *token;
    bool confirm; /* block until the broker has it; FBX_EREFUSED if it refused */
    /* How long its word is waited for; 0: the bus's default, or, of fbx_publish_async, no limit */
    uint32_t timeout_ms;
} fbx_publish_options;

/* Blocks while the outbox is full (FBX_EWOULDBLOCK on an I/O thread). options may be NULL. */
FBX_API int fbx_publish(fbx_bus *bus, const char *topic, fbx_bytes payload,
                        const fbx_publish_options *options);

/* The broker's word, on an I/O thread: a status, and why. */
typedef void (*fbx_on_answer)(void *arg, int status, const char *message);

/* Does not block: FBX_EWOULDBLOCK when the outbox is full. `on_answer` hears once whether the
 * broker has it, whatever `confirm` says: FBX_OUTCOME_UNKNOWN when the session was lost meanwhile.
 * With a `timeout_ms` FBX_DEADLINE_EXCEEDED when that has passed, and FBX_OUTCOME_UNKNOWN two
 * seconds after the connection was lost: the event may have been published, or be yet. NULL: nobody
 * asks. */
FBX_API int fbx_publish_async(fbx_bus *bus, const char *topic, fbx_bytes payload,
                              const fbx_publish_options *options, fbx_on_answer on_answer,
                              void *arg);

typedef void (*fbx_on_event)(void *arg, const fbx_event *event);
typedef struct fbx_subscribe_options {
    const char *group;  /* queue group, or NULL */
    const char *tenant; /* NULL: own; "*": all */
    const char *token;  /* on behalf of this token's user (gateways), also after reconnecting */
    /* Its last callback, with on_event's `arg`, when a subscription that was granted is no more:
     * the broker has ended it or refuses to renew it (FBX_UNAUTHENTICATED: the token is over), or
     * fbx_unsubscribe_async was called (FBX_CANCELLED). May be NULL. */
    fbx_on_answer on_over;
    /* How long the broker's word is waited for; 0: the bus's connect_timeout_ms, or, of
     * fbx_subscribe_async, no limit */
    uint32_t timeout_ms;
} fbx_subscribe_options;
/* Blocks for the broker's word. `*id` (may be NULL) names it for fbx_unsubscribe. What fails
 * leaves nothing behind. */
FBX_API int fbx_subscribe(fbx_bus *bus, const char *pattern, const fbx_subscribe_options *options,
                          fbx_on_event on_event, void *arg, uint64_t *id);
/* No callback of it runs any more when this returns. FBX_EINVAL: it is over already. */
FBX_API int fbx_unsubscribe(fbx_bus *bus, uint64_t id);
/* Do not block. `on_answer`, with on_event's `arg`, is called once, before the first event: not
 * FBX_OK means that there is no subscription, and nothing is called after it. While there is no
 * connection it waits for one, however long, or until `timeout_ms` has passed, or two seconds after
 * the connection was lost: FBX_UNAVAILABLE. FBX_EWOULDBLOCK: the outbox is full. */
FBX_API int fbx_subscribe_async(fbx_bus *bus, const char *pattern,
                                const fbx_subscribe_options *options, fbx_on_event on_event,
                                fbx_on_answer on_answer, void *arg, uint64_t *id);
/* At any time, also before the answer, which then does not come any more; on_over does. */
FBX_API int fbx_unsubscribe_async(fbx_bus *bus, uint64_t id);

/* ---- MessagePack payloads ----
 * Writer: a growing buffer. A container states its size first and is followed by
 * that many values (maps: keys and values). Not thread safe. */
typedef struct fbx_writer {
    unsigned char *data;
    size_t len, cap;
} fbx_writer;

FBX_API void fbx_write_nil(fbx_writer *w);
FBX_API void fbx_write_bool(fbx_writer *w, bool value);
FBX_API void fbx_write_int(fbx_writer *w, int64_t value);
FBX_API void fbx_write_uint(fbx_writer *w, uint64_t value);
FBX_API void fbx_write_double(fbx_writer *w, double value);
FBX_API void fbx_write_text(fbx_writer *w, const char *text);
FBX_API void fbx_write_text_n(fbx_writer *w, const char *text, size_t len);
FBX_API void fbx_write_bin(fbx_writer *w, fbx_bytes bytes);
FBX_API void fbx_write_array(fbx_writer *w, uint32_t count);
FBX_API void fbx_write_map(fbx_writer *w, uint32_t pairs);
FBX_API fbx_bytes fbx_written(const fbx_writer *w);
FBX_API void fbx_writer_free(fbx_writer *w); /* empty and usable again */

/* Reader: a value is a view into bytes that must outlive it. */
typedef enum fbx_type {
    FBX_NONE,
    FBX_NIL,
    FBX_BOOL,
    FBX_INT,
    FBX_UINT,
    FBX_DOUBLE,
    FBX_TEXT,
    FBX_BIN,
    FBX_ARRAY,
    FBX_MAP
} fbx_type;
typedef struct fbx_value {
    fbx_type type;
    uint32_t count; /* array: elements, map: pairs */
    union {
        bool boolean;
        int64_t integer;  /* FBX_INT: negative numbers */
        uint64_t natural; /* FBX_UINT: the others */
        double real;
        fbx_bytes bytes; /* text and bin */
    } as;
    const unsigned char *body, *end; /* internal: contents of a container */
} fbx_value;

/* False when the bytes are not exactly one well-formed value. */
FBX_API bool fbx_read(fbx_bytes msgpack, fbx_value *out);
/* The value of a text key in a map; type FBX_NONE when absent or not a map. */
FBX_API fbx_value fbx_map_get(const fbx_value *map, const char *key);
/* Element of an array, or of a map's keys and values in turn (2i key, 2i+1 value). */
FBX_API fbx_value fbx_at(const fbx_value *container, uint32_t index);
/* Iteration in O(1) a step: start with `*cursor` NULL; false at the end. */
FBX_API bool fbx_next(const fbx_value *container, const unsigned char **cursor, fbx_value *out);
/* Conversions with a default for a missing or mistyped value. */
FBX_API int64_t fbx_as_int(const fbx_value *value, int64_t otherwise);
FBX_API double fbx_as_double(const fbx_value *value, double otherwise);
FBX_API bool fbx_as_bool(const fbx_value *value, bool otherwise);
/* Copies text, NUL-terminated, into `out` of `size` bytes; false if not text or too long. */
FBX_API bool fbx_as_text(const fbx_value *value, char *out, size_t size);
/* One that was read, as it is; nil for FBX_NONE. The second writes only what an array or a map
 * holds, of which the caller has said how much there is. */
FBX_API void fbx_write_value(fbx_writer *w, const fbx_value *value);
FBX_API void fbx_write_elements(fbx_writer *w, const fbx_value *container);

#ifdef __cplusplus
}
#endif

#endif

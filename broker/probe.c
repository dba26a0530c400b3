#include "probe.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"

#include <curl/curl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define AT_A_TIME 256u /* each holds a descriptor */
#define BODY_MAX 4096u /* what comes after is not looked at */
#define WAIT_MS 60000

#define NOT_ALLOWED "its address is not in health-allow"

struct probe {
    uint64_t id, give_up; /* mono ns */
    struct probe *next;   /* in asked, or in the thread's line */
    struct list node;     /* in the thread's under_way */
    struct prober *prober;
    CURL *easy;
    CURLU *parts;
    char *name; /* curl_free() */
    bool refused, too_long;
    enum health_outcome outcome;
    const char *reason;
    struct buf body;
    char url[];
};

struct prober {
    void (*wake)(void *arg);
    void *arg;
    atomic_bool has_news;
    CURLM *multi;
    pthread_t thread;

    pthread_mutex_t lock; /* of all below */
    struct allow_list allowed;
    char *ca_file; /* NULL: whom the system trusts */
    struct probe *asked, **asked_end;
    struct probe *ended; /* the newest first */
    bool started, ending;

    /* The thread's own. */
    struct probe *line; /* not begun yet */
    struct list under_way;
    unsigned n_under_way;
};

/* ---- one probe ---- */

static void probe_destroy(struct probe *probe)
{
    curl_easy_cleanup(probe->easy);
    curl_url_cleanup(probe->parts);
    curl_free(probe->name);
    buf_finish(&probe->body);
    mem_free(probe);
}

static void tell(struct probe *probe, enum health_outcome outcome, const char *reason)
{
    probe->outcome = outcome;
    probe->reason = reason;
}

/* It goes when it has been taken. */
static void hand_over(struct probe *probe)
{
    struct prober *prober = probe->prober;
    curl_easy_cleanup(probe->easy);
    probe->easy = NULL;
    pthread_mutex_lock(&prober->lock);
    probe->next = prober->ended;
    prober->ended = probe;
    atomic_store(&prober->has_news, true);
    pthread_mutex_unlock(&prober->lock);
    prober->wake(prober->arg);
}

/* Who lives behind the name is known only now, and this is who will be connected to. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct probe *probe = arg;
    struct prober *prober = probe->prober;
    (void)purpose;
    pthread_mutex_lock(&prober->lock);
    bool admitted = allow_admits(&prober->allowed, probe->name, &address->addr);
    pthread_mutex_unlock(&prober->lock);
    if (admitted)
        return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    probe->refused = true;
    return CURL_SOCKET_BAD;
}

/* A short count ends the transfer: enough has been seen. */
static size_t take_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct probe *probe = arg;
    size_t len = size * count, room = BODY_MAX - probe->body.len;
    probe->too_long = len > room;
    if (probe->too_long)
        len = room;
    buf_append(&probe->body, bytes, len);
    return probe->too_long ? 0 : len;
}

static bool has_password(CURLU *parts)
{
    char *user = NULL;
    bool has = curl_url_get(parts, CURLUPART_USER, &user, 0) == CURLUE_OK;
    curl_free(user);
    return has;
}

/* In place of whom the system trusts, in whichever way it keeps them. */
static bool set_trust(struct probe *probe)
{
    struct prober *prober = probe->prober;
    CURLcode bad = CURLE_OK;
    pthread_mutex_lock(&prober->lock);
    if (prober->ca_file) {
        bad |= curl_easy_setopt(probe->easy, CURLOPT_CAINFO, prober->ca_file);
        bad |= curl_easy_setopt(probe->easy, CURLOPT_CAPATH, NULL);
        /* What it held is kept for a day otherwise. */
        bad |= curl_easy_setopt(probe->easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
    }
    pthread_mutex_unlock(&prober->lock);
    return bad == CURLE_OK;
}

static bool set_options(struct probe *probe, uint64_t now)
{
    CURL *easy = probe->easy;
    CURLcode bad = CURLE_OK;
    long left_ms = (long)((probe->give_up - now + NS_PER_MS - 1) / NS_PER_MS);
#define SET(option, value) bad |= curl_easy_setopt(easy, CURLOPT_##option, value)
    SET(CURLU, probe->parts);
    SET(PROTOCOLS_STR, "http,https");
    SET(PROXY, "");
    SET(NOPROXY, "*");
    SET(NETRC, (long)CURL_NETRC_IGNORED);
    SET(FOLLOWLOCATION, 0L);
    SET(HTTP09_ALLOWED, 0L);
    SET(HTTPGET, 1L);
    SET(USERAGENT, "fareboxd");
    SET(NOSIGNAL, 1L);
    SET(QUICK_EXIT, 1L);
    SET(TIMEOUT_MS, left_ms);
    SET(FRESH_CONNECT, 1L);
    SET(FORBID_REUSE, 1L);
    SET(OPENSOCKETFUNCTION, open_socket);
    SET(OPENSOCKETDATA, probe);
    SET(WRITEFUNCTION, take_body);
    SET(WRITEDATA, probe);
    SET(PRIVATE, probe);
#undef SET
    return bad == CURLE_OK;
}

static bool prepare(struct probe *probe, uint64_t now)
{
    probe->easy = curl_easy_init();
    probe->parts = curl_url();
    return probe->easy && probe->parts &&
           curl_url_set(probe->parts, CURLUPART_URL, probe->url, 0) == CURLUE_OK &&
           !has_password(probe->parts) &&
           curl_url_get(probe->parts, CURLUPART_HOST, &probe->name, 0) == CURLUE_OK &&
           set_options(probe, now) && set_trust(probe);
}

/* ---- what became of it ---- */

static enum health_outcome read_body(const struct probe *probe)
{
    enum health_outcome outcome = HEALTH_PASS;
    json_t *root = json_loadb((const char *)probe->body.data, probe->body.len, 0, NULL);
    const char *status = json_string_value(json_object_get(root, "status"));
    if (status && strcmp(status, "warn") == 0)
        outcome = HEALTH_WARN;
    else if (status && strcmp(status, "fail") == 0)
        outcome = HEALTH_FAIL;
    json_decref(root);
    return outcome;
}

/* Might its rest say that it fails? Only an object says anything. */
static bool may_be_object(const struct buf *body)
{
    static const char blanks[] = {' ', '\t', '\r', '\n'};
    size_t at = 0;
    while (at < body->len && memchr(blanks, body->data[at], sizeof blanks))
        at++;
    return at == body->len || body->data[at] == '{';
}

static void judge_body(struct probe *probe)
{
    static const char *const said[] = {"it says that it fails", "it warns", ""};
    if (probe->too_long && may_be_object(&probe->body)) {
        tell(probe, HEALTH_WARN, "its answer is too long to be read");
        return;
    }
    enum health_outcome outcome = read_body(probe);
    tell(probe, outcome, said[outcome]);
}

static void judge_answer(struct probe *probe)
{
    long status = 0;
    (void)curl_easy_getinfo(probe->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200 && status < 300)
        judge_body(probe);
    else if (status >= 300 && status < 400)
        tell(probe, HEALTH_FAIL, "it redirects, which is not followed");
    else
        tell(probe, HEALTH_FAIL, "its status is no success");
}

static void judge(struct probe *probe, CURLcode code)
{
    if (code == CURLE_OK || code == CURLE_WRITE_ERROR)
        judge_answer(probe);
    else if (probe->refused)
        tell(probe, HEALTH_FAIL, NOT_ALLOWED);
    else if (code == CURLE_OPERATION_TIMEDOUT)
        tell(probe, HEALTH_FAIL, "no answer in time");
    else if (code == CURLE_COULDNT_RESOLVE_HOST)
        tell(probe, HEALTH_FAIL, "its name has no address");
    else if (code == CURLE_PEER_FAILED_VERIFICATION)
        tell(probe, HEALTH_FAIL, "its certificate is not trusted");
    else if (code == CURLE_SSL_CACERT_BADFILE)
        tell(probe, HEALTH_FAIL, "health-ca-file cannot be read");
    else
        tell(probe, HEALTH_FAIL, "no answer");
}

/* ---- the thread ---- */

/* What is late by now has been given up by whoever asked. */
static void begin(struct prober *prober, struct probe *probe)
{
    uint64_t now = clock_mono_ns();
    if (probe->give_up <= now) {
        probe_destroy(probe);
    } else if (!prepare(probe, now)) {
        tell(probe, HEALTH_FAIL, "not a URL that can be asked");
        hand_over(probe);
    } else if (curl_multi_add_handle(prober->multi, probe->easy) != CURLM_OK) {
        probe_destroy(probe);
    } else {
        list_push(&prober->under_way, &probe->node);
        prober->n_under_way++;
    }
}

static void leave(struct prober *prober, struct probe *probe)
{
    (void)curl_multi_remove_handle(prober->multi, probe->easy);
    list_remove(&probe->node);
    prober->n_under_way--;
}

static void end_finished(struct prober *prober)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(prober->multi, &left));) {
        CURL *easy = message->easy_handle;
        CURLcode code = message->data.result;
        char *private = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
        struct probe *probe = (struct probe *)(void *)private;
        judge(probe, code);
        leave(prober, probe);
        hand_over(probe);
    }
}

/* Returns false when it is time to end. */
static bool take_asked(struct prober *prober)
{
    struct probe **end = &prober->line;
    while (*end)
        end = &(*end)->next;
    pthread_mutex_lock(&prober->lock);
    *end = prober->asked;
    prober->asked = NULL;
    prober->asked_end = &prober->asked;
    bool go_on = !prober->ending;
    pthread_mutex_unlock(&prober->lock);
    return go_on;
}

static void begin_some(struct prober *prober)
{
    while (prober->line && prober->n_under_way < AT_A_TIME) {
        struct probe *probe = prober->line;
        prober->line = probe->next;
        begin(prober, probe);
    }
}

static void *run(void *arg)
{
    struct prober *prober = arg;
    int running;
    while (take_asked(prober)) {
        begin_some(prober);
        (void)curl_multi_perform(prober->multi, &running);
        end_finished(prober);
        if (!prober->line || prober->n_under_way == AT_A_TIME)
            (void)curl_multi_poll(prober->multi, NULL, 0, WAIT_MS, NULL);
    }
    return NULL;
}

/* ---- life ---- */

struct prober *prober_create(void (*wake)(void *arg), void *arg)
{
    struct prober *prober = mem_zalloc(sizeof *prober);
    prober->wake = wake;
    prober->arg = arg;
    prober->asked_end = &prober->asked;
    list_init(&prober->under_way);
    pthread_mutex_init(&prober->lock, NULL);
    return prober;
}

static void drop_line(struct probe *line)
{
    for (struct probe *next; line; line = next) {
        next = line->next;
        probe_destroy(line);
    }
}

static void stop_thread(struct prober *prober)
{
    pthread_mutex_lock(&prober->lock);
    prober->ending = true;
    pthread_mutex_unlock(&prober->lock);
    (void)curl_multi_wakeup(prober->multi);
    pthread_join(prober->thread, NULL);
    for (struct list *node; (node = list_first(&prober->under_way));) {
        struct probe *probe = LIST_ENTRY(node, struct probe, node);
        leave(prober, probe);
        probe_destroy(probe);
    }
}

void prober_destroy(struct prober *prober)
{
    if (!prober)
        return;
    if (prober->started)
        stop_thread(prober);
    drop_line(prober->line);
    drop_line(prober->asked);
    drop_line(prober->ended);
    if (prober->multi) {
        curl_multi_cleanup(prober->multi);
        curl_global_cleanup();
    }
    pthread_mutex_destroy(&prober->lock);
    mem_free(prober->ca_file);
    mem_free(prober);
}

void prober_take(struct prober *prober,
                 void (*each)(struct core *core, uint64_t id, enum health_outcome outcome,
                              const char *reason),
                 struct core *core)
{
    if (!atomic_exchange(&prober->has_news, false))
        return;
    pthread_mutex_lock(&prober->lock);
    struct probe *ended = prober->ended;
    prober->ended = NULL;
    pthread_mutex_unlock(&prober->lock);
    for (struct probe *next, *probe = ended; probe; probe = next) {
        next = probe->next;
        each(core, probe->id, probe->outcome, probe->reason);
        probe_destroy(probe);
    }
}

void prober_allow(struct prober *prober, const struct allow_list *list, const char *ca_file)
{
    pthread_mutex_lock(&prober->lock);
    prober->allowed = *list;
    mem_free(prober->ca_file);
    prober->ca_file = ca_file[0] ? mem_strdup(ca_file) : NULL;
    pthread_mutex_unlock(&prober->lock);
}

/* With the lock. False: the system has no thread for it; the next question tries again. */
static bool start(struct prober *prober)
{
    if (prober->started)
        return true;
    if (!prober->multi && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
        prober->multi = curl_multi_init();
    prober->started = prober->multi && pthread_create(&prober->thread, NULL, run, prober) == 0;
    if (!prober->started)
        log_event(LOG_ERROR, "probe.no_thread", NULL);
    return prober->started;
}

void prober_ask(struct prober *prober, uint64_t id, const char *url, uint32_t timeout_ms)
{
    size_t len = strlen(url);
    struct probe *probe = mem_zalloc(sizeof *probe + len + 1);
    probe->id = id;
    probe->prober = prober;
    probe->give_up = clock_mono_ns() + timeout_ms * NS_PER_MS;
    memcpy(probe->url, url, len);
    pthread_mutex_lock(&prober->lock);
    *prober->asked_end = probe;
    prober->asked_end = &probe->next;
    bool started = start(prober);
    pthread_mutex_unlock(&prober->lock);
    if (started)
        (void)curl_multi_wakeup(prober->multi);
}

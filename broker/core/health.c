#include "core/health.h"

#include "base/mem.h"
#include "builtin/announce.h"
#include "builtin/packing.h"
#include "core/placement.h"
#include "core/state.h"

#define REPLY_MAX 4096u /* longer ones are not read */

static void on_timer(struct timer *timer, void *arg);

void checks_init(struct checks *checks)
{
    map_init(&checks->under_way);
}

void checks_finish(struct checks *checks)
{
    map_finish(&checks->under_way);
}

/* ---- states ---- */

static enum health_state state_of(const struct instance *instance)
{
    const struct session *session = instance->session;
    if (session->state != SESSION_READY)
        return HEALTH_DOWN;
    if (instance->draining || session->draining)
        return HEALTH_DRAINING;
    return instance->health.checked.state;
}

static void look_at_service(struct core *core, const struct instance *cause)
{
    struct service *service = cause->service;
    enum health_state state = health_best(service->health.counts), was = service->health.state;
    if (state != was) {
        service->health.state = state;
        announce_service_health(core, cause, was);
    }
}

void health_look(struct core *core, struct instance *instance)
{
    struct service *service = instance->service;
    enum health_state state = state_of(instance), was = instance->health.state;
    if (state == was)
        return;
    service->health.counts[was]--;
    service->health.counts[state]++;
    instance->health.state = state;
    announce_instance_health(core, instance, was);
    look_at_service(core, instance);
    registry_health_changed(core, service);
}

void health_service_made(struct service *service)
{
    service->health.state = HEALTH_DOWN;
}

void health_instance_made(struct instance *instance)
{
    struct instance_health *self = &instance->health;
    timer_init(&self->timer, on_timer);
    self->reason = "";
    self->state = HEALTH_DOWN;
    self->checked.state = HEALTH_READY;
    instance->service->health.counts[HEALTH_DOWN]++;
}

static void forget_check(struct core *core, struct instance *instance)
{
    wheel_disarm(&core->wheel, &instance->health.timer);
    map_remove_u64(&core->checks.under_way, instance->health.under_way);
    instance->health.under_way = 0;
}

void health_instance_gone(struct core *core, struct instance *instance)
{
    forget_check(core, instance);
    instance->service->health.counts[instance->health.state]--;
    look_at_service(core, instance);
    mem_free(instance->health.url);
}

/* ---- what is asked for ---- */

static bool has_url(const Farebox__V1__Register *wanted)
{
    return strncmp(wanted->health_endpoint, "http://", 7) == 0 ||
           strncmp(wanted->health_endpoint, "https://", 8) == 0;
}

const char *health_defect(const struct core *core, const Farebox__V1__Register *wanted)
{
    if (wanted->health_interval_ms == 0)
        return NULL;
    if (wanted->health_endpoint[0] && !has_url(wanted))
        return "health_endpoint: to be checked it must be an http or https URL";
    if (has_url(wanted) && (!core->io.probe || !core->limits.health_urls))
        return "health_endpoint: the broker checks no URLs (health-allow)";
    return NULL;
}

static uint32_t or_usual(uint32_t wanted, uint32_t usual)
{
    return wanted ? wanted : usual;
}

static void set_rules(const struct core *core, struct instance_health *self,
                      const Farebox__V1__Register *wanted)
{
    uint32_t least = core->limits.health_least_ms;
    self->interval_ms = wanted->health_interval_ms > least ? wanted->health_interval_ms : least;
    self->timeout_ms = or_usual(wanted->health_timeout_ms, HEALTH_TIMEOUT_MS);
    if (self->timeout_ms > self->interval_ms)
        self->timeout_ms = self->interval_ms;
    self->rules = (struct health_rules){
        .rise = or_usual(wanted->health_rise, HEALTH_RISE),
        .fall = or_usual(wanted->health_fall, HEALTH_FALL),
        .calm_ns = self->interval_ms * NS_PER_MS * HEALTH_CALM_INTERVALS,
    };
}

/* Who registers again in the same session stays as healthy as it was. */
void health_configure(struct core *core, struct instance *instance,
                      const Farebox__V1__Register *wanted)
{
    struct instance_health *self = &instance->health;
    bool was_checked = self->interval_ms > 0;
    forget_check(core, instance);
    mem_free(self->url);
    self->url = has_url(wanted) ? mem_strdup(wanted->health_endpoint) : NULL;
    if (wanted->health_interval_ms == 0) {
        self->interval_ms = 0;
        self->reason = "";
        self->checked = (struct health){.state = HEALTH_READY};
        return;
    }
    set_rules(core, self, wanted);
    if (!was_checked)
        self->checked = (struct health){0};
    wheel_arm(&core->wheel, &self->timer, core->now.mono_ns);
}

const char *health_reason(const struct instance *instance)
{
    if (instance->session->state != SESSION_READY)
        return "its connection is lost";
    return instance->health.reason;
}

const char *health_check_text(const struct instance *instance)
{
    if (instance->health.interval_ms == 0)
        return "session";
    return instance->health.url ? "http" : "call";
}

/* ---- checks ---- */

static void wait_for_next(struct core *core, struct instance *instance)
{
    struct instance_health *self = &instance->health;
    uint32_t ms = self->interval_ms;
    if (self->checked.state == HEALTH_STARTING && ms > HEALTH_STARTING_MS)
        ms = HEALTH_STARTING_MS;
    wheel_arm(&core->wheel, &self->timer, self->began + ms * NS_PER_MS);
}

static void call_health(struct core *core, struct instance *instance)
{
    const struct wire_request request = {
        .service = instance->service->name,
        .method = slice_of(HEALTH_METHOD),
        .timeout_ms = instance->health.timeout_ms,
    };
    wire_put_request(session_out(core, instance->session), instance->health.under_way, 0, &request);
}

static void begin_check(struct core *core, struct instance *instance)
{
    struct instance_health *self = &instance->health;
    uint64_t id = ++core->checks.serial;
    if (id == 0)
        id = ++core->checks.serial;
    self->under_way = id;
    self->began = core->now.mono_ns;
    map_put_u64(&core->checks.under_way, id, instance);
    wheel_arm(&core->wheel, &self->timer, core->now.mono_ns + self->timeout_ms * NS_PER_MS);
    if (self->url)
        core->io.probe(core->io.arg, id, self->url, self->timeout_ms);
    else
        call_health(core, instance);
}

static void take_outcome(struct core *core, struct instance *instance, enum health_outcome outcome,
                         const char *reason)
{
    struct instance_health *self = &instance->health;
    forget_check(core, instance);
    self->reason = reason;
    (void)health_tell(&self->checked, &self->rules, core->now.mono_ns, outcome);
    wait_for_next(core, instance);
    health_look(core, instance);
}

/* Of an instance whose connection is lost nothing can be learned; that it is down is known. */
static void on_timer(struct timer *timer, void *arg)
{
    struct core *core = arg;
    struct instance *instance = LIST_ENTRY(timer, struct instance, health.timer);
    bool connected = instance->session->state == SESSION_READY;
    if (instance->health.under_way && connected) {
        take_outcome(core, instance, HEALTH_FAIL, "no answer in time");
    } else if (connected && !instance->draining) {
        begin_check(core, instance);
    } else {
        forget_check(core, instance);
        instance->health.began = core->now.mono_ns;
        wait_for_next(core, instance);
    }
}

/* Whatever else it is, it says nothing of its state. */
static bool is_map(struct slice payload)
{
    uint8_t first = payload.len > 0 ? payload.data[0] : 0;
    return (first & 0xf0) == 0x80 || first == 0xde || first == 0xdf;
}

/* {"status": "pass" | "warn" | "fail"} */
static enum health_outcome read_status(struct slice payload)
{
    struct arguments arguments;
    enum health_outcome outcome = HEALTH_PASS;
    if (!arguments_read(&arguments, payload))
        return HEALTH_PASS;
    struct slice status = argument_text(&arguments, "status", slice_of("pass"));
    if (slice_is(status, "warn"))
        outcome = HEALTH_WARN;
    else if (slice_is(status, "fail"))
        outcome = HEALTH_FAIL;
    arguments_finish(&arguments);
    return outcome;
}

static enum health_outcome read_reply(const struct wire_reply *reply, const char **reason)
{
    static const char *const said[] = {"it says that it fails", "it warns", ""};
    if (reply->status != STATUS_OK) {
        *reason = status_text(reply->status);
        return HEALTH_FAIL;
    }
    if (reply->payload.len > REPLY_MAX && is_map(reply->payload)) {
        *reason = "its answer is too long to be read";
        return HEALTH_WARN;
    }
    enum health_outcome outcome = read_status(reply->payload);
    *reason = said[outcome];
    return outcome;
}

void health_replied(struct core *core, const struct session *session, uint64_t id,
                    const struct wire_reply *reply)
{
    struct instance *instance = map_get_u64(&core->checks.under_way, id);
    if (!instance || instance->session != session || instance->health.url)
        return;
    const char *reason;
    enum health_outcome outcome = read_reply(reply, &reason);
    take_outcome(core, instance, outcome, reason);
}

void health_probed(struct core *core, uint64_t id, enum health_outcome outcome, const char *reason)
{
    struct instance *instance = map_get_u64(&core->checks.under_way, id);
    if (instance && instance->health.url)
        take_outcome(core, instance, outcome, reason);
}

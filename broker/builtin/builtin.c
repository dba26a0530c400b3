#include "builtin/builtin.h"

#include "core/state.h"

static const struct builtin *const all[] = {
    &builtin_registry, &builtin_sessions, &builtin_stats,  &builtin_feed,    &builtin_tap,
    &builtin_tenants,  &builtin_usage,    &builtin_config, &builtin_explain, &builtin_limits,
    &builtin_breakers, &builtin_me,       &builtin_tokens,
};

void builtins_each(struct core *core, void (*each)(struct core *core, const struct builtin *))
{
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        each(core, all[i]);
}

static const struct builtin_verb *verb_of(const struct call *call)
{
    const struct builtin_verb *verb = call->service->builtin->verbs;
    for (; verb->name; verb++) {
        if (slice_is(call->request->method, verb->name))
            return verb;
    }
    return NULL;
}

static enum scope scope_of(const struct call *call, const struct builtin_verb *verb)
{
    const struct identity *who = call->identity;
    if (!verb->area)
        return SCOPE_TENANT;
    if (permitted(&who->permissions, VERB_ADMIN, who->tenant, slice_of("*"), slice_of(verb->area)))
        return SCOPE_ALL;
    if (permitted(&who->permissions, VERB_ADMIN, who->tenant, who->tenant, slice_of(verb->area)))
        return SCOPE_TENANT;
    return verb->access == ACCESS_ADMIN ? SCOPE_NONE : SCOPE_TENANT;
}

enum verdict builtin_admit(struct core *core, struct call *call, struct refusal *refusal)
{
    const struct builtin_verb *verb = verb_of(call);
    if (!verb)
        return refuse(refusal, STATUS_METHOD_NOT_FOUND,
                      arena_printf(&core->arena, "%.*s has no method %.*s",
                                   SLICE_FMT(call->service->name),
                                   SLICE_FMT(call->request->method)));
    if (scope_of(call, verb) != SCOPE_NONE)
        return VERDICT_PASS;
    char *needed = arena_printf(&core->arena, "admin:%s", verb->area);
    refusal_detail(refusal, "permission", needed);
    return refuse(refusal, STATUS_PERMISSION_DENIED,
                  arena_printf(&core->arena, "needs %s", needed));
}

enum status builtin_find_place(enum scope scope, size_t most, size_t taken, size_t own,
                               const char **why)
{
    size_t left = scope == SCOPE_ALL ? most : most - most / BUILTIN_KEPT;
    if (scope != SCOPE_ALL && own > 0 && own >= most / BUILTIN_SHARE)
        return refuse_with(why, STATUS_QUOTA_EXCEEDED, "the tenant's share of them is used up");
    return taken >= left ? refuse_with(why, STATUS_OVERLOADED, "there are as many as there may be")
                         : STATUS_OK;
}

bool builtin_operates(const struct call *call)
{
    const struct builtin_verb *verb = verb_of(call);
    return verb->area && scope_of(call, verb) == SCOPE_ALL;
}

bool builtin_is_free(const struct call *call)
{
    return verb_of(call)->access == ACCESS_ALWAYS || builtin_operates(call);
}

static enum status check_arguments(struct core *core, const struct call *call,
                                   const struct builtin_verb *verb, const char **why)
{
    struct arguments arguments;
    if (!arguments_read(&arguments, call->request->payload))
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "the payload is not a MessagePack map");
    const char *slip = arguments_slip(&arguments, verb->arguments, &core->arena);
    arguments_finish(&arguments);
    return slip ? refuse_with(why, STATUS_INVALID_ARGUMENT, slip) : STATUS_OK;
}

/* It has been read before: it is a map. */
void builtin_arguments(struct arguments *out, const struct call *call)
{
    (void)arguments_read(out, call->request->payload);
}

void builtin_call(struct core *core, struct call *call)
{
    const struct builtin_verb *verb = verb_of(call);
    struct buf out = {0};
    const char *why = "";
    enum status status = check_arguments(core, call, verb, &why);
    if (status == STATUS_OK)
        status = verb->run(core, call, scope_of(call, verb), &out, &why);
    if (status == STATUS_OK && out.len > WIRE_PAYLOAD_MAX) {
        status = STATUS_TOO_LARGE;
        why = "the answer is over the limit";
    }
    if (status != STATUS_OK) {
        call_fail(core, call, status, why);
    } else if (!verb->streams) {
        struct wire_reply reply = {.status = STATUS_OK, .payload = buf_slice(&out)};
        call_end(core, call, &reply);
    }
    buf_finish(&out);
}

/* event.c - noting what the engine said, and telling the application. */
#include "client/event.h"

#include "base/mem.h"
#include "client/ask.h"
#include "client/call.h"
#include "client/serve.h"

#define EVENTS_FIRST 64u

struct event *events_add(struct events *events, enum event_kind kind)
{
    if (events->count == events->cap) {
        events->cap = events->cap ? events->cap * 2 : EVENTS_FIRST;
        events->at = mem_realloc(events->at, events->cap * sizeof(*events->at));
    }
    struct event *event = &events->at[events->count++];
    event->kind = kind;
    return event;
}

void events_finish(struct events *events)
{
    mem_free(events->at);
    memset(events, 0, sizeof(*events));
}

static void tell_cancel(fbx_request *request)
{
    if (!atomic_load(&request->answered))
        request->service->on_cancel(request->service->arg, request);
}

void event_run(fbx_bus *bus, const struct event *event)
{
    switch (event->kind) {
    case EVENT_REPLY:
        call_tell_reply(bus, event->call, &event->reply);
        break;
    case EVENT_PART:
        call_tell_part(bus, event->call, &event->part);
        break;
    case EVENT_REQUEST:
        request_run(event->request);
        break;
    case EVENT_CANCEL:
        tell_cancel(event->request);
        break;
    case EVENT_DELIVERY:
        subscription_tell(bus, event);
        break;
    case EVENT_ANSWER:
        answer_tell(event->answer);
        break;
    case EVENT_STATE:
        bus->on_state(bus->on_state_arg, event->connected);
        break;
    }
}

void event_release(fbx_bus *bus, const struct event *event)
{
    switch (event->kind) {
    case EVENT_REPLY:
        call_release(bus, event->call);
        break;
    case EVENT_CANCEL:
        request_unref(bus, event->request);
        break;
    case EVENT_DELIVERY:
        subscription_unref(event->subscription);
        fbx_context_free(event->context);
        break;
    case EVENT_ANSWER:
        answer_release(bus, event->answer);
        break;
    case EVENT_PART:
    case EVENT_REQUEST:
    case EVENT_STATE:
        break;
    }
}

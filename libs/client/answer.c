/* answer.c - the broker's word, told by callback to those who do not wait for it. */
#include "client/ask.h"
#include "client/serve.h"

#include "base/mem.h"

#include <stdio.h>

struct answer {
    fbx_on_answer on_answer;
    void *arg;
    struct subscription *subscription;
    enum status status;
    char message[200];
};

struct answer *answer_create(fbx_on_answer on_answer, void *arg, struct subscription *subscription)
{
    struct answer *answer = mem_zalloc(sizeof(*answer));
    answer->on_answer = on_answer;
    answer->arg = arg;
    answer->subscription = subscription;
    if (subscription)
        subscription->refs++;
    return answer;
}

void answer_note(fbx_bus *bus, struct answer *answer, enum status status, const char *message)
{
    answer->status = status;
    snprintf(answer->message, sizeof(answer->message), "%s", message);
    events_add(&bus->events, EVENT_ANSWER)->answer = answer;
}

void answer_tell(const struct answer *answer)
{
    struct subscription *subscription = answer->subscription;
    if (subscription && atomic_load(&subscription->closed))
        return;
    if (subscription && answer->status != STATUS_OK)
        atomic_store(&subscription->closed, true);
    if (answer->on_answer)
        answer->on_answer(answer->arg, (int)answer->status, answer->message);
}

void answer_release(fbx_bus *bus, struct answer *answer)
{
    struct subscription *subscription = answer->subscription;
    if (subscription && answer->status != STATUS_OK)
        subscription_drop(bus, subscription);
    if (subscription)
        subscription_unref(subscription);
    mem_free(answer);
}

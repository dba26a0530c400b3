#include "errands.h"

#include <stdio.h>

const char *const config_keys[CONFIG_KEYS] = {"mail.footer", "theme"};

/* Each kind begins with the errand. */
static void *find(void *entries, size_t size, unsigned count, unsigned call)
{
    for (unsigned i = 0; i < count; i++) {
        struct errand *errand = (void *)((uint8_t *)entries + i * size);
        if (errand->call == call)
            return errand;
    }
    return NULL;
}

struct config_change *errands_change(struct errands *errands, unsigned call)
{
    return find(errands->changes, sizeof *errands->changes, errands->n_changes, call);
}

struct config_look *errands_look(struct errands *errands, unsigned call)
{
    return find(errands->looks, sizeof *errands->looks, errands->n_looks, call);
}

struct credit_asked *errands_credit(struct errands *errands, unsigned call)
{
    return find(errands->credits, sizeof *errands->credits, errands->n_credits, call);
}

struct order *errands_order(struct errands *errands, unsigned call)
{
    return find(errands->orders, sizeof *errands->orders, errands->n_orders, call);
}

bool errand_precedes(const struct errand *errand, const struct errand *other)
{
    return errand->state != ERRAND_OPEN && errand->over_at < other->made_at;
}

static const char *owner_of(unsigned scope)
{
    return tenant_names[scope == EVERYBODY ? INFRA : scope];
}

void config_text(char *out, const struct config_change *change)
{
    snprintf(out, CONFIG_TEXT_BYTES, "%s" CANARY " %u", owner_of(change->scope),
             change->errand.call);
}

unsigned config_text_number(struct slice text)
{
    unsigned number = 0, scale = 1;
    for (size_t i = text.len; i > 0 && text.data[i - 1] >= '0' && text.data[i - 1] <= '9'; i--) {
        number += scale * (text.data[i - 1] - '0');
        scale *= 10;
    }
    return number;
}

void config_scope(char *out, unsigned scope)
{
    if (scope == EVERYBODY)
        snprintf(out, CONFIG_SCOPE_BYTES, "global");
    else
        snprintf(out, CONFIG_SCOPE_BYTES, "tenant.%s", tenant_names[scope]);
}

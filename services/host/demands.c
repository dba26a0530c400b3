#include "demands.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

static size_t count_texts(const char *const *texts)
{
    size_t n = 0;
    while (texts && texts[n])
        n++;
    return n;
}

static char *method_tier(const struct host_tier *tier)
{
    size_t size = strlen(tier->method) + strlen(tier->tier) + 2;
    char *text = mem_alloc(size);
    snprintf(text, size, "%s=%s", tier->method, tier->tier);
    return text;
}

/* Of two for the same method the broker takes the first. */
void demands_apply(struct demands *out, const struct host_options *options,
                   const fbx_service *service)
{
    size_t n = 0, theirs = count_texts(service->method_tiers);
    out->service = *service;
    if (options->tenant)
        out->service.tenant = options->tenant;
    out->method_tiers = mem_zalloc((options->n_tiers + theirs + 1) * sizeof *out->method_tiers);
    for (size_t i = options->n_tiers; i-- > 0;) {
        const struct host_tier *tier = &options->tiers[i];
        if (strcmp(tier->service, service->name) == 0 && tier->method)
            out->method_tiers[n++] = method_tier(tier);
    }
    for (size_t i = 0; i < theirs; i++)
        out->method_tiers[n++] = mem_strdup(service->method_tiers[i]);
    for (size_t i = 0; i < options->n_tiers; i++) {
        const struct host_tier *tier = &options->tiers[i];
        if (strcmp(tier->service, service->name) == 0 && !tier->method)
            out->service.minimum_tier = tier->tier;
    }
    out->service.method_tiers = (const char *const *)out->method_tiers;
}

void demands_finish(struct demands *demands)
{
    for (size_t i = 0; demands->method_tiers[i]; i++)
        mem_free(demands->method_tiers[i]);
    mem_free(demands->method_tiers);
}

const char *demands_unmet(const struct host_options *options, char *const *services, size_t n)
{
    for (size_t i = 0; i < options->n_tiers; i++) {
        size_t at = 0;
        while (at < n && strcmp(services[at], options->tiers[i].service) != 0)
            at++;
        if (at == n)
            return options->tiers[i].service;
    }
    return NULL;
}

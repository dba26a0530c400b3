#include "attempts.h"

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

struct failures {
    struct list node; /* in `by_end`, the first to end first */
    uint64_t until_ms;
    uint32_t count;
    uint8_t len;
    uint8_t key[];
};

struct attempts {
    struct map by_key;
    struct list by_end;
    uint32_t limit;
    uint64_t span_ms;
    size_t most;
};

struct attempts *attempts_create(uint32_t limit, uint64_t span_ms, size_t most)
{
    struct attempts *attempts = mem_zalloc(sizeof *attempts);
    map_init(&attempts->by_key);
    list_init(&attempts->by_end);
    attempts->limit = limit;
    attempts->span_ms = span_ms;
    attempts->most = most;
    return attempts;
}

static void forget(struct attempts *attempts, struct failures *failures)
{
    (void)map_remove(&attempts->by_key, slice_make(failures->key, failures->len));
    list_remove(&failures->node);
    mem_free(failures);
}

static struct failures *first(const struct attempts *attempts)
{
    struct list *node = list_first(&attempts->by_end);
    return node ? LIST_ENTRY(node, struct failures, node) : NULL;
}

void attempts_destroy(struct attempts *attempts)
{
    if (!attempts)
        return;
    for (struct failures *failures; (failures = first(attempts)) != NULL;)
        forget(attempts, failures);
    map_finish(&attempts->by_key);
    mem_free(attempts);
}

static void forget_ended(struct attempts *attempts, uint64_t now_ms)
{
    for (struct failures *failures;
         (failures = first(attempts)) != NULL && failures->until_ms <= now_ms;)
        forget(attempts, failures);
}

uint64_t attempts_barred_ms(struct attempts *attempts, struct slice key, uint64_t now_ms)
{
    forget_ended(attempts, now_ms);
    const struct failures *failures = map_get(&attempts->by_key, key);
    return failures && failures->count >= attempts->limit ? failures->until_ms - now_ms : 0;
}

static struct failures *add(struct attempts *attempts, struct slice key)
{
    if (attempts->by_key.count >= attempts->most)
        forget(attempts, first(attempts));
    struct failures *failures = mem_zalloc(sizeof *failures + key.len);
    memcpy(failures->key, key.data, key.len);
    failures->len = (uint8_t)key.len;
    list_init(&failures->node);
    (void)map_put(&attempts->by_key, slice_make(failures->key, failures->len), failures);
    return failures;
}

bool attempts_failed(struct attempts *attempts, struct slice key, uint64_t now_ms)
{
    if (attempts_barred_ms(attempts, key, now_ms) > 0)
        return false;
    struct failures *failures = map_get(&attempts->by_key, key);
    if (!failures)
        failures = add(attempts, key);
    failures->count++;
    failures->until_ms = now_ms + attempts->span_ms;
    list_remove(&failures->node);
    list_push(&attempts->by_end, &failures->node);
    return failures->count >= attempts->limit;
}

void attempts_forgive(struct attempts *attempts, struct slice key)
{
    struct failures *failures = map_get(&attempts->by_key, key);
    if (failures)
        forget(attempts, failures);
}

size_t attempts_known(const struct attempts *attempts)
{
    return attempts->by_key.count;
}

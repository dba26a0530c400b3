#include "core/breakers_store.h"

#include "base/log.h"
#include "builtin/packing.h"
#include "core/state.h"

#include <stdio.h>

#define KEY_MAX 240u /* a service's key, a space and a tenant */

/* "SERVICE", or "SERVICE TENANT". */
static struct slice write_key(char *room, const struct guard *guard)
{
    int len = guard->tenant.len ? snprintf(room, KEY_MAX, "%s %.*s", guard->service->key,
                                           SLICE_FMT(guard->tenant))
                                : snprintf(room, KEY_MAX, "%s", guard->service->key);
    return slice_make(room, (size_t)len);
}

static void write_record(struct buf *out, const struct core *core, const struct breaker *breaker)
{
    msgpack_packer packer;
    uint64_t left = breaker->until > core->now.mono_ns ? breaker->until - core->now.mono_ns : 0;
    packing_init(&packer, out);
    msgpack_pack_map(&packer, 4);
    pack_pair_bool(&packer, "open", breaker->state != BREAKER_CLOSED);
    pack_pair_bool(&packer, "forced", breaker->forced);
    pack_pair_uint(&packer, "until_ms", core->now.unix_ms + left / NS_PER_MS);
    pack_pair_uint(&packer, "openings", breaker->openings);
}

bool breakers_unkeep(struct core *core, struct guard *guard)
{
    char room[KEY_MAX];
    if (guard->kept && core->io.remove(core->io.arg, BREAKERS_TABLE, write_key(room, guard)) == 0)
        guard->kept = false;
    return !guard->kept;
}

bool breakers_keep(struct core *core, struct guard *guard)
{
    char room[KEY_MAX];
    struct buf record = {0};
    if (guard->breaker.state == BREAKER_CLOSED && !guard->breaker.forced)
        return breakers_unkeep(core, guard);
    write_record(&record, core, &guard->breaker);
    int err =
        core->io.put(core->io.arg, BREAKERS_TABLE, write_key(room, guard), buf_slice(&record));
    if (err < 0)
        log_event(LOG_WARN, "breakers.record_not_kept", "service", guard->service->key, NULL);
    else
        guard->kept = true;
    buf_finish(&record);
    return err >= 0;
}

/* ---- start ---- */

static struct guard *guard_of(struct core *core, struct slice key)
{
    const uint8_t *space = key.len ? memchr(key.data, ' ', key.len) : NULL;
    size_t len = space ? (size_t)(space - key.data) : key.len;
    struct service *service = map_get(&core->registry.by_key, slice_make(key.data, len));
    if (!service || service->builtin)
        return NULL;
    return space ? breakers_take(core, service, slice_make(space + 1, key.len - len - 1))
                 : &service->breakers.whole;
}

/* The calendar may have been set back meanwhile: no longer than it would be now. */
static void restore(struct core *core, struct guard *guard, const struct arguments *record)
{
    uint64_t until_ms = argument_uint(record, "until_ms", 0), now_ms = core->now.unix_ms;
    uint64_t left_ms = until_ms > now_ms ? until_ms - now_ms : 0;
    uint64_t most_ms = breakers_setting(core, guard->service)->rules.open_most_ms;
    bool forced = argument_bool(record, "forced", false);
    guard->kept = true;
    if (!argument_bool(record, "open", false)) {
        breaker_force_close(&guard->breaker, core->now.mono_ns);
        return;
    }
    if (left_ms > most_ms)
        left_ms = most_ms;
    breaker_force_open(&guard->breaker, core->now.mono_ns,
                       forced ? 0 : core->now.mono_ns + left_ms * NS_PER_MS + 1);
    guard->breaker.openings = (uint32_t)argument_uint(record, "openings", 1);
}

static void load(struct core *core, struct slice key, const struct arguments *record)
{
    struct guard *guard = guard_of(core, key);
    if (!guard)
        return;
    restore(core, guard, record);
    list_remove(&guard->node);
}

static int load_forced(void *arg, struct slice key, struct slice bytes)
{
    struct arguments record;
    if (!arguments_read(&record, bytes)) {
        log_event(LOG_ERROR, "breakers.record_unreadable", NULL);
        return 0;
    }
    if (argument_bool(&record, "forced", false))
        load(arg, key, &record);
    arguments_finish(&record);
    return 0;
}

static int load_open(void *arg, struct slice key, struct slice bytes)
{
    struct arguments record;
    if (!arguments_read(&record, bytes))
        return 0;
    if (!argument_bool(&record, "forced", false))
        load(arg, key, &record);
    arguments_finish(&record);
    return 0;
}

/* Those that were forced come first: a store that refused to forget others has too many records. */
int breakers_load(struct core *core)
{
    int rc = core->io.scan(core->io.arg, BREAKERS_TABLE, load_forced, core);
    return rc < 0 ? rc : core->io.scan(core->io.arg, BREAKERS_TABLE, load_open, core);
}

#include "builtin/announce.h"

#include "base/log.h"
#include "builtin/packing.h"
#include "core/state.h"

#include <stdio.h>

void announce_instance(struct core *core, const struct instance *instance, const char *what)
{
    const struct session *session = instance->session;
    struct slice name = instance->service->name;
    char topic[96];
    struct buf payload = {0};
    msgpack_packer packer;

    packing_init(&packer, &payload);
    msgpack_pack_map(&packer, 3);
    pack_pair_text(&packer, "event", slice_of(what));
    pack_pair_text(&packer, "service", name);
    pack_pair_text(&packer, "instance", slice_of(session->name));
    snprintf(topic, sizeof topic, "bus.service.%.*s", SLICE_FMT(name));
    pubsub_announce(core, session->identity->tenant, topic, buf_slice(&payload));
    buf_finish(&payload);
    log_event(LOG_INFO, "service.instance", "what", what, "service", instance->service->key,
              "instance", session->name, NULL);
}

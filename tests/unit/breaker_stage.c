#include "breaker_stage.h"

#include "../testing.h"

static char *rules[] = {"* calls=4 failures=50 slow=50 slow-ms=1000 open-ms=1000 "
                        "open-most-ms=4000 probes=2",
                        "spared calls=1"};

uint64_t next_id = 1;

void stage_breakers(struct stage *stage)
{
    char why[BREAKER_WHY_BYTES];
    stage->options.limits.max_breakers = 100;
    assert_int_equal(breaker_table_read(&stage->options.limits.breakers, rules, 2, why), 0);
}

enum status call_orders(struct actor *caller, struct actor *host, enum status answer)
{
    actor_call(caller, next_id, "orders", "get");
    actor_reply(host, actor_requested(host), answer, "");
    return actor_outcome(caller, next_id++);
}

void fail_orders(struct actor *caller, struct actor *host, unsigned times)
{
    while (times-- > 0)
        assert_int_equal(call_orders(caller, host, STATUS_INTERNAL), STATUS_INTERNAL);
}

struct wire_reply orders_refused(struct actor *caller)
{
    actor_call(caller, next_id++, "orders", "get");
    struct wire_envelope envelope = actor_expect(caller, WIRE_REPLY);
    assert_int_equal(envelope.reply.status, STATUS_BREAKER_OPEN);
    return envelope.reply;
}

#include "probes.h"

#include "exchange.h"
#include "problem.h"

static void say_ok(struct answer *answer)
{
    answer->http = (unsigned)status_http(STATUS_OK);
    answer->content_type = "text/plain";
    buf_append(&answer->body, "ok\n", 3);
}

void probes_live(struct exchange *x)
{
    say_ok(&x->answer);
}

void probes_ready(struct exchange *x)
{
    if (x->gateway->draining)
        problem_of(&x->answer, STATUS_UNAVAILABLE, "the gateway is stopping");
    else if (!atomic_load(&x->gateway->connected))
        problem_of_error(&x->answer, FBX_EUNREACHABLE);
    else
        say_ok(&x->answer);
}

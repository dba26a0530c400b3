/* ask.h - a call that can be interrupted: Ctrl-C cancels it at the service too. */
#ifndef INSPECTOR_ASK_H
#define INSPECTOR_ASK_H

#include "lines.h"

#include <stdatomic.h>

struct ask {
    const char *service, *method;
    fbx_bytes payload;
    fbx_call_options options; /* on_part is set from the next field */
    /* of a streamed reply: adds to `lines`, in the library's thread; NULL: not streamed */
    void (*on_part)(struct ask *ask, fbx_bytes part);
    struct lines *lines;
    uint64_t until; /* ends by itself then, of wait_until; 0: never */
    bool lasting;   /* asked again, with a note, when the broker it was asked of is gone */
    _Atomic(fbx_reply *) reply; /* internal until it is here */
};

/* Makes the call and waits. EXIT_OK with `*reply`, which is ok and to be freed; or with NULL,
 * because the wanted lines are written or nobody reads them any more; or the exit status,
 * complained. */
int ask_run(const struct cli *cli, struct ask *ask, fbx_reply **reply);
/* As ask_run for the broker's own services; `request` NULL: `{}`. */
int ask_broker(const struct cli *cli, const char *service, const char *method,
               const fbx_writer *request, fbx_reply **reply);
/* As ask_broker, but a refusal is a reply too, and for whoever asks to judge. */
int ask_broker_any(const struct cli *cli, const char *service, const char *method,
                   const fbx_writer *request, fbx_reply **reply);

#endif

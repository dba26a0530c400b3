#include "users.h"

#include <sodium.h>

#define ASK_MS 10000u

void users_respond(fbx_request *request, fbx_writer *w)
{
    fbx_respond(request, fbx_written(w), NULL);
    fbx_writer_free(w);
}

void users_refuse_store(fbx_request *request)
{
    fbx_respond_status(request, FBX_UNAVAILABLE, "the store of profiles does not answer");
}

/* It may be a password that was written. */
static void wipe(fbx_writer *w)
{
    if (w->data)
        sodium_memzero(w->data, w->len);
    fbx_writer_free(w);
}

fbx_reply *users_ask_whether(fbx_request *request, const char *service, const char *method,
                             fbx_writer *w)
{
    const fbx_call_options options = {.parent = request, .timeout_ms = ASK_MS};
    fbx_writer empty = {0};
    fbx_reply *reply = NULL;
    fbx_write_map(&empty, 0);
    int rc = fbx_call(fbx_request_bus(request), service, method, fbx_written(w ? w : &empty),
                      &options, &reply);
    wipe(w ? w : &empty);
    fbx_writer_free(&empty);
    if (rc == 0)
        return reply;
    fbx_respond_status(request, FBX_UNAVAILABLE, fbx_error_text(rc));
    return NULL;
}

fbx_reply *users_ask(fbx_request *request, const char *service, const char *method, fbx_writer *w)
{
    fbx_reply *reply = users_ask_whether(request, service, method, w);
    if (!reply || fbx_reply_status(reply) == FBX_OK)
        return reply;
    fbx_refuse_as(request, reply);
    fbx_reply_free(reply);
    return NULL;
}

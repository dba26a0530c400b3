#include "auth.h"

#include "base/clock.h"

#define ASK_MS 5000u

void auth_respond_map(fbx_request *request, fbx_writer *w)
{
    fbx_respond(request, fbx_written(w), NULL);
    fbx_writer_free(w);
}

void auth_respond_nothing(fbx_request *request)
{
    fbx_writer w = {0};
    fbx_write_map(&w, 0);
    auth_respond_map(request, &w);
}

void auth_refuse_credentials(fbx_request *request)
{
    fbx_respond_status(request, FBX_UNAUTHENTICATED, "invalid credentials");
}

void auth_refuse_ticket(fbx_request *request)
{
    fbx_respond_status(request, FBX_UNAUTHENTICATED, "invalid refresh token");
}

void auth_refuse_store(fbx_request *request)
{
    fbx_respond_status(request, FBX_UNAVAILABLE, "the store of users does not answer");
}

/* `details` may be NULL. Takes the reply. */
static void pass_on(fbx_request *request, fbx_reply *reply, const char *const *details)
{
    if (reply)
        fbx_refuse(request, &(fbx_refusal){.status = fbx_reply_status(reply),
                                           .message = fbx_reply_message(reply),
                                           .details = details,
                                           .retry_after_ms = fbx_reply_retry_after_ms(reply)});
    else
        fbx_respond_status(request, FBX_UNAVAILABLE, "the broker does not answer");
    fbx_reply_free(reply);
}

void auth_refuse_as(fbx_request *request, fbx_reply *reply)
{
    pass_on(request, reply, NULL);
}

void auth_refuse_as_of(fbx_request *request, fbx_reply *reply, const char *tenant)
{
    const char *details[2 * FBX_DETAILS_MAX + 1] = {"tenant_id", tenant};
    size_t n = reply ? fbx_reply_details(reply) : 0;
    for (size_t i = 0; i < n && i + 1 < FBX_DETAILS_MAX; i++)
        details[2 * i + 2] = fbx_reply_detail_at(reply, i, &details[2 * i + 3]);
    pass_on(request, reply, details);
}

fbx_reply *auth_ask(struct auth *auth, const char *service, const char *method, fbx_writer *w,
                    const fbx_call_options *options)
{
    fbx_writer empty = {0};
    fbx_call_options ours = *options;
    fbx_reply *reply = NULL;
    fbx_write_map(&empty, 0);
    ours.timeout_ms = ASK_MS;
    ours.idempotent = true;
    if (fbx_call(auth->bus, service, method, fbx_written(w ? w : &empty), &ours, &reply) != 0)
        reply = NULL;
    fbx_writer_free(&empty);
    if (w)
        fbx_writer_free(w);
    return reply;
}

int64_t auth_now_s(void)
{
    return (int64_t)(clock_now().unix_ms / 1000);
}

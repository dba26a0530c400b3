#include "users.h"

#include "base/clock.h"
#include "base/log.h"
#include "common/fields.h"

#define TOPIC "user.changed"

/* In the service's own name: whoever made the change may be of another tenant. What was changed has
 * happened, so that nobody hears it is no reason to refuse it. */
static void tell(struct users *users, const fbx_request *request, const char *tenant,
                 fbx_bytes event)
{
    const fbx_publish_options options = {
        .tenant = tenant, .traceparent = fbx_request_traceparent(request), .confirm = true};
    int rc = fbx_publish(users->bus, TOPIC, event, &options);
    if (rc != 0)
        log_event(LOG_ERROR, "users.not_told", "tenant", tenant, "error",
                  rc == FBX_EREFUSED ? fbx_last_error() : fbx_error_text(rc), NULL);
}

void users_audit(struct users *users, const fbx_request *request, const char *what,
                 const char *tenant, const char *user)
{
    const fbx_context *by = fbx_request_context(request);
    fbx_writer w = {0};
    log_event(LOG_INFO, "users.user", "what", what, "tenant", tenant, "user", user, "by_tenant",
              fbx_context_tenant(by), "by_user", fbx_context_user(by), "request",
              fbx_request_id(request), NULL);
    fbx_write_map(&w, 6);
    field_put_text(&w, "what", what);
    field_put_text(&w, "tenant", tenant);
    field_put_text(&w, "user", user);
    field_put_text(&w, "by_tenant", fbx_context_tenant(by));
    field_put_text(&w, "by_user", fbx_context_user(by));
    fbx_write_text(&w, "at_ms");
    fbx_write_uint(&w, clock_now().unix_ms);
    tell(users, request, tenant, fbx_written(&w));
    fbx_writer_free(&w);
}

void users_audit_tenant(const fbx_request *request, const char *what, const char *tenant)
{
    const fbx_context *by = fbx_request_context(request);
    log_event(LOG_INFO, "users.tenant", "what", what, "tenant", tenant, "by_tenant",
              fbx_context_tenant(by), "by_user", fbx_context_user(by), "request",
              fbx_request_id(request), NULL);
}

#include "origin.h"

#include "base/clock.h"
#include "base/log.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define NETWORK_BYTES 8u /* of an IPv6 address */

static bool is_mapped(const struct in6_addr *address)
{
    return IN6_IS_ADDR_V4MAPPED(address);
}

void origin_of_address(struct origin *origin, const char *address)
{
    struct in6_addr six;
    char text[INET6_ADDRSTRLEN];
    (void)snprintf(origin->text, sizeof origin->text, "%s", address);
    if (inet_pton(AF_INET6, address, &six) != 1)
        return;
    if (is_mapped(&six)) {
        (void)inet_ntop(AF_INET, six.s6_addr + 12, origin->text, sizeof origin->text);
        return;
    }
    memset(six.s6_addr + NETWORK_BYTES, 0, sizeof six.s6_addr - NETWORK_BYTES);
    (void)inet_ntop(AF_INET6, &six, text, sizeof text);
    (void)snprintf(origin->text, sizeof origin->text, "%s/64", text);
}

bool origin_read(struct origin *origin, const struct auth *auth, fbx_request *request,
                 const char *address, const char *tenant)
{
    const fbx_context *caller = fbx_request_context(request);
    const char *from = fbx_context_tenant(caller);
    if (strcmp(from, auth->tenant) == 0) {
        origin_of_address(origin, address);
        return true;
    }
    if (strcmp(from, tenant) != 0) {
        fbx_respond_status(request, FBX_TENANT_MISMATCH, "tenant: not the caller's own");
        return false;
    }
    (void)snprintf(origin->text, sizeof origin->text, "%s/%s", from, fbx_context_user(caller));
    return true;
}

static uint64_t now_ms(void)
{
    return clock_mono_ns() / NS_PER_MS;
}

bool origin_refused(struct auth *auth, const struct origin *origin, fbx_request *request)
{
    uint64_t left_ms;
    if (origin->text[0] == '\0')
        return false;
    pthread_mutex_lock(&auth->lock);
    left_ms = attempts_barred_ms(auth->addresses, slice_of(origin->text), now_ms());
    pthread_mutex_unlock(&auth->lock);
    if (left_ms > 0)
        fbx_refuse(request, &(fbx_refusal){.status = FBX_RATE_LIMITED,
                                           .message = "too many failed logins from this address",
                                           .retry_after_ms = (uint32_t)left_ms});
    return left_ms > 0;
}

void origin_failed(struct auth *auth, const struct origin *origin)
{
    if (origin->text[0] == '\0')
        return;
    pthread_mutex_lock(&auth->lock);
    bool barred = attempts_failed(auth->addresses, slice_of(origin->text), now_ms());
    pthread_mutex_unlock(&auth->lock);
    if (barred)
        log_event(LOG_WARN, "auth.address_barred", "address", origin->text, NULL);
}

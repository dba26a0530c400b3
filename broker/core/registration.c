#include "core/registration.h"

#include "base/mem.h"
#include "base/name.h"
#include "core/registry.h"

typedef Farebox__V1__Register Record;

#define TEXT_MAX 64u /* of a registration's smaller texts */
#define ENDPOINT_MAX 256u

static bool names_valid(char *const *names, size_t count, bool services)
{
    if (count > REGISTRY_METHODS_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct slice name = slice_of(names[i]);
        if (services ? !name_valid_service(name) : !name_valid(name))
            return false;
    }
    return true;
}

static bool features_valid(const Record *wanted)
{
    if (wanted->n_business_features > REGISTRY_METHODS_MAX)
        return false;
    for (size_t i = 0; i < wanted->n_business_features; i++) {
        if (strlen(wanted->business_features[i]) > TEXT_MAX)
            return false;
    }
    return true;
}

/* "method=tier" */
static bool method_tier_valid(const char *text)
{
    const char *sign = strchr(text, '=');
    return sign && name_valid(slice_make(text, (size_t)(sign - text))) &&
           name_valid(slice_of(sign + 1));
}

static bool method_tiers_valid(const Record *wanted)
{
    if (wanted->n_method_tiers > REGISTRY_METHODS_MAX)
        return false;
    for (size_t i = 0; i < wanted->n_method_tiers; i++) {
        if (!method_tier_valid(wanted->method_tiers[i]))
            return false;
    }
    return true;
}

const char *registration_defect(const Record *wanted)
{
    if (name_reserved(slice_of(wanted->service)) || name_reserved(slice_of(wanted->tenant)))
        return "service, tenant: bus and what begins with bus. is the broker's own";
    if (!name_valid(slice_of(wanted->service)))
        return "service: not a name (" NAME_RULE ")";
    if (wanted->tenant[0] && !name_valid(slice_of(wanted->tenant)))
        return "tenant: not a name (" NAME_RULE ")";
    if (strlen(wanted->version) > TEXT_MAX || strlen(wanted->minimum_tier) > TEXT_MAX)
        return "version, minimum_tier: at most 64 bytes";
    if (strlen(wanted->health_endpoint) > ENDPOINT_MAX)
        return "health_endpoint: at most 256 bytes";
    if (!names_valid(wanted->methods, wanted->n_methods, false))
        return "methods: at most 256 names";
    if (!names_valid(wanted->requires, wanted->n_requires, true))
        return "requires: at most 256 names of services";
    if (!features_valid(wanted))
        return "business_features: at most 256, of at most 64 bytes";
    if (!method_tiers_valid(wanted))
        return "method_tiers: at most 256 of method=tier";
    if (wanted->health_interval_ms > HEALTH_INTERVAL_MAX ||
        wanted->health_timeout_ms > HEALTH_INTERVAL_MAX)
        return "health_interval_ms, health_timeout_ms: at most an hour";
    if (wanted->health_rise > HEALTH_ROW_MAX || wanted->health_fall > HEALTH_ROW_MAX)
        return "health_rise, health_fall: at most 100";
    if (farebox__v1__register__get_packed_size(wanted) > REGISTRY_RECORD_MAX)
        return "the record is over 64 KiB";
    return NULL;
}

/* ---- packed ---- */

Record *registration_copy(const Record *record, uint8_t **packed, size_t *len)
{
    *len = farebox__v1__register__get_packed_size(record);
    *packed = mem_alloc(*len + 1);
    farebox__v1__register__pack(record, *packed);
    return farebox__v1__register__unpack(NULL, *len, *packed);
}

bool registration_is(const Record *record, const uint8_t *packed, size_t len)
{
    if (!record || farebox__v1__register__get_packed_size(record) != len)
        return false;
    uint8_t *mine = mem_alloc(len + 1);
    farebox__v1__register__pack(record, mine);
    bool same = memcmp(mine, packed, len) == 0;
    mem_free(mine);
    return same;
}

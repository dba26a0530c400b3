#include "terms.h"

static bool text(const fbx_value *map, const char *key, char *out, size_t size)
{
    fbx_value value = fbx_map_get(map, key);
    return fbx_as_text(&value, out, size);
}

static int64_t number(const fbx_value *map, const char *key)
{
    fbx_value value = fbx_map_get(map, key);
    return fbx_as_int(&value, 0);
}

bool terms_read(struct terms *terms, const fbx_reply *reply)
{
    terms->n_features = 0;
    if (!fbx_read(fbx_reply_payload(reply), &terms->me) ||
        !text(&terms->me, "tier", terms->tier, sizeof terms->tier) ||
        !text(&terms->me, "subscription_status", terms->status, sizeof terms->status) ||
        !text(&terms->me, "billing_customer", terms->billing_customer,
              sizeof terms->billing_customer))
        return false;
    fbx_value limits = fbx_map_get(&terms->me, "limits");
    terms->limits = (struct token_limits){.per_minute = number(&limits, "per_minute"),
                                          .burst = number(&limits, "burst"),
                                          .monthly = number(&limits, "monthly")};
    fbx_value features = fbx_map_get(&terms->me, "features");
    for (uint32_t i = 0; i < features.count && terms->n_features < TERMS_FEATURES_MAX; i++) {
        fbx_value feature = fbx_at(&features, i);
        char *room = terms->feature_room[terms->n_features];
        if (fbx_as_text(&feature, room, sizeof terms->feature_room[0]))
            terms->features[terms->n_features++] = room;
    }
    return true;
}

void terms_claim(struct terms *terms, struct token_claims *claims)
{
    claims->tier = terms->tier;
    claims->subscription_status = terms->status;
    claims->billing_customer = terms->billing_customer;
    claims->features = terms->features;
    claims->n_features = terms->n_features;
    claims->limits = &terms->limits;
}

/* ---- telling ---- */

static void pass_text(fbx_writer *w, const char *name, const fbx_value *map, const char *key)
{
    fbx_value value = fbx_map_get(map, key);
    fbx_write_text(w, name);
    fbx_write_text_n(w, value.as.bytes.data, value.as.bytes.len);
}

static void pass_texts(fbx_writer *w, const char *name, const fbx_value *map, const char *key)
{
    fbx_value array = fbx_map_get(map, key);
    fbx_write_text(w, name);
    fbx_write_array(w, array.count);
    for (uint32_t i = 0; i < array.count; i++) {
        fbx_value value = fbx_at(&array, i);
        fbx_write_text_n(w, value.as.bytes.data, value.as.bytes.len);
    }
}

static void write_limit(fbx_writer *w, const char *name, int64_t limit)
{
    fbx_write_text(w, name);
    fbx_write_int(w, limit);
}

static void write_limits(fbx_writer *w, const struct token_limits *limits)
{
    fbx_write_text(w, "usage_limits");
    fbx_write_map(w, 3);
    write_limit(w, "per_minute", limits->per_minute);
    write_limit(w, "burst", limits->burst);
    write_limit(w, "monthly", limits->monthly);
}

void terms_write_context(fbx_writer *w, const struct terms *terms)
{
    fbx_write_text(w, "context");
    fbx_write_map(w, 7);
    pass_text(w, "tenant_id", &terms->me, "tenant");
    pass_text(w, "user_id", &terms->me, "user");
    pass_text(w, "subscription_tier", &terms->me, "tier");
    pass_text(w, "subscription_status", &terms->me, "subscription_status");
    pass_texts(w, "permissions", &terms->me, "permissions");
    write_limits(w, &terms->limits);
    fbx_write_text(w, "business_context");
    fbx_write_map(w, 2);
    pass_text(w, "billing_customer_id", &terms->me, "billing_customer");
    pass_texts(w, "enterprise_features", &terms->me, "features");
}

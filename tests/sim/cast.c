#include "cast.h"

#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define NEVER_MS 4000000000000u

const char *const tenant_names[TENANTS] = {"acme", "bolt", "cord", "infr"};
const char *const service_names[SERVICES] = {"orders", "relay", "vault", "ghost"};
const char *const method_names[METHODS] = {"echo", "fail",   "slow", "never",
                                           "drop", "stream", "nest"};

const struct subject topics[] = {
    {"news.a", NEWS}, {"news.b", NEWS}, {"news.a.x", NEWS}, {"jobs.1", JOBS},
    {"jobs.2", JOBS}, {"news..a", 0},   {"bus.own", 0},
};
const unsigned n_topics = sizeof topics / sizeof *topics;

const struct subject patterns[] = {
    {"news.*", NEWS},  {"news.>", NEWS},    {"news.a", NEWS},      {"jobs.*", JOBS},
    {">", EVERYTHING}, {"*.a", EVERYTHING}, {"*.*.x", EVERYTHING}, {"news.>.x", 0},
};
const unsigned n_patterns = sizeof patterns / sizeof *patterns;

bool topic_matches(const char *pattern, const char *topic)
{
    if (strcmp(pattern, ">") == 0)
        return *topic != '\0';
    size_t token = strcspn(topic, "."), wanted = strcspn(pattern, ".");
    bool alike =
        (wanted == 1 && *pattern == '*') || (wanted == token && memcmp(pattern, topic, token) == 0);
    if (token == 0 || !alike || (pattern[wanted] == '.') != (topic[token] == '.'))
        return false;
    return topic[token] == '\0' || topic_matches(pattern + wanted + 1, topic + token + 1);
}

/* ---- tenants ---- */

/* In some runs only are there quotas: once one is used up, its tenant does little else. */
void cast_subscribe(struct cast *cast, struct dice *dice)
{
    bool quotas = dice_chance(dice, 350);
    terms_draw(cast->terms, dice);
    for (unsigned tenant = 0; tenant < TENANTS; tenant++)
        cast->tier_of[tenant] = dice_below(dice, quotas && tenant != INFRA ? TIERS : HARD);
}

const struct terms *cast_terms(const struct cast *cast, unsigned tenant)
{
    return &cast->terms[cast->tier_of[tenant]];
}

/* ---- making users ---- */

static struct user *add_user(struct cast *cast, unsigned tenant, const char *what)
{
    struct user *user = &cast->users[cast->n_users];
    user->tenant = tenant;
    user->expires_ms = NEVER_MS;
    snprintf(user->name, sizeof user->name, "%s%u@%s" CANARY, what, cast->n_users,
             tenant_names[tenant]);
    snprintf(user->token, sizeof user->token, "token-%016llx",
             (unsigned long long)dice_next(&(struct dice){cast->n_users}));
    cast->n_users++;
    return user;
}

static void grant(struct user *user, const char *verb, const char *scope, const char *what)
{
    snprintf(user->permissions[user->n_permissions++], sizeof user->permissions[0], "%s:%s%s", verb,
             scope, what);
}

static void grant_calls(struct user *user)
{
    for (unsigned service = 0; service < SERVICES; service++) {
        char what[32];
        snprintf(what, sizeof what, "%s.%s", service_names[service],
                 user->call[service] == ECHO_ONLY ? "echo" : "*");
        if (user->call[service] != NOTHING)
            grant(user, "call", "", what);
    }
}

static void grant_classes(struct user *user, const char *verb, const char *scope, unsigned classes)
{
    if (classes & NEWS)
        grant(user, verb, scope, "news.>");
    if (classes & JOBS)
        grant(user, verb, scope, "jobs.>");
    if (classes & EVERYTHING)
        grant(user, verb, scope, ">");
}

struct user *cast_client(struct cast *cast, struct dice *dice, unsigned tenant)
{
    struct user *user = add_user(cast, tenant, "user");
    for (unsigned service = 0; service < SERVICES; service++)
        user->call[service] = dice_chance(dice, 800) ? EVERY_METHOD : dice_below(dice, 2);
    user->call[VAULT] = dice_chance(dice, 300) ? EVERY_METHOD : dice_below(dice, 2);
    user->publish = dice_below(dice, NEWS | JOBS) + 1;
    user->hear = dice_below(dice, 8);
    user->admin = dice_chance(dice, 250);
    grant_calls(user);
    grant_classes(user, "publish", "", user->publish);
    grant_classes(user, "subscribe", "", user->hear);
    char scope[8];
    snprintf(scope, sizeof scope, "%s/", tenant_names[tenant]);
    if (user->admin)
        grant(user, "admin", scope, "*");
    return user;
}

struct user *cast_server(struct cast *cast, unsigned tenant)
{
    struct user *user = add_user(cast, tenant, "serve");
    char scope[8] = "";
    if (tenant != INFRA)
        snprintf(scope, sizeof scope, "%s/", tenant_names[tenant]);
    user->call[ORDERS] = user->call[RELAY] = EVERY_METHOD;
    user->publish = NEWS;
    grant(user, "serve", scope, "*");
    grant_calls(user);
    grant_classes(user, "publish", "", user->publish);
    return user;
}

struct user *cast_leaver(struct cast *cast, struct dice *dice, unsigned tenant, uint64_t expires_ms)
{
    struct user *user = cast_client(cast, dice, tenant);
    user->expires_ms = expires_ms;
    return user;
}

struct user *cast_operator(struct cast *cast)
{
    struct user *user = add_user(cast, INFRA, "operator");
    snprintf(user->name, sizeof user->name,
             "operator"); /* acts in every tenant, and is seen there */
    for (unsigned service = 0; service < SERVICES; service++)
        user->call[service] = EVERY_METHOD;
    user->publish = user->hear = EVERYTHING;
    user->across = user->operator_ = user->admin = true;
    grant_calls(user);
    grant_classes(user, "publish", "", user->publish);
    grant_classes(user, "subscribe", "", user->hear);
    grant_classes(user, "subscribe", "*/", user->hear);
    grant(user, "admin", "", "*");
    return user;
}

struct user *cast_witness(struct cast *cast, unsigned tenant)
{
    struct user *user = add_user(cast, tenant, "witness");
    user->hear = EVERYTHING;
    grant_classes(user, "subscribe", "", user->hear);
    return user;
}

/* ---- what they may ---- */

const struct user *cast_find(const struct cast *cast, struct slice name)
{
    for (unsigned i = 0; i < cast->n_users; i++) {
        if (slice_is(name, cast->users[i].name))
            return &cast->users[i];
    }
    return NULL;
}

bool user_may_call(const struct user *user, enum service_name service, enum method_name method)
{
    enum right right = user->call[service];
    return right == EVERY_METHOD || (right == ECHO_ONLY && method == ECHO);
}

bool user_may_publish(const struct user *user, unsigned class)
{
    return class != 0 && (user->publish & (class | EVERYTHING)) != 0;
}

bool user_expires(const struct user *user)
{
    return user->expires_ms != NEVER_MS;
}

bool user_may_hear(const struct user *user, unsigned class)
{
    return class != 0 && (user->hear & (class | EVERYTHING)) != 0;
}

/* ---- tokens ---- */

static char **copy_permissions(const struct user *user)
{
    char **copies = mem_zalloc((user->n_permissions + 1) * sizeof *copies);
    for (size_t i = 0; i < user->n_permissions; i++)
        copies[i] = mem_strdup(user->permissions[i]);
    return copies;
}

int cast_verify(void *arg, struct slice token, int64_t now_s, struct token_claims *claims,
                char *why)
{
    const struct cast *cast = arg;
    for (unsigned i = 0; i < cast->n_users; i++) {
        const struct user *user = &cast->users[i];
        if (!slice_is(token, user->token) || now_s >= (int64_t)(user->expires_ms / 1000))
            continue;
        *claims = (struct token_claims){
            .user = mem_strdup(user->name),
            .tenant = mem_strdup(tenant_names[user->tenant]),
            .tier = mem_strdup(cast_terms(cast, user->tenant)->tier),
            .subscription_status = mem_strdup("active"),
            .billing_customer = mem_strdup(""),
            .id = mem_strdup(""),
            .permissions = copy_permissions(user),
            .n_permissions = user->n_permissions,
            .features = mem_zalloc(sizeof(char *)),
            .expires_s = (int64_t)(user->expires_ms / 1000),
        };
        return 0;
    }
    snprintf(why, 96, "no such token");
    return -EACCES;
}

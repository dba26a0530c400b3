/* cast.h - who there is: tenants with the same service and topic names in each, and users
 * whose rights are known here as plain flags, next to the permission texts made from
 * them for their tokens. So the simulator knows what should be refused without asking
 * the code it tests. */
#ifndef SIM_CAST_H
#define SIM_CAST_H

#include "base/slice.h"
#include "dice.h"
#include "terms.h"
#include "token/token.h"

enum tenant_name { ACME, BOLT, CORD, INFRA, TENANTS };

#define TENANT_NAME_BYTES 4u /* all names are this long */
extern const char *const tenant_names[TENANTS];
/* Stands in everything that belongs to the tenant, and must never reach another: its name and
 * this. */
#define CANARY "-canary"

enum service_name { ORDERS, RELAY, VAULT, GHOST, SERVICES };
extern const char *const service_names[SERVICES]; /* nobody ever serves GHOST */

enum method_name { ECHO, FAIL, SLOW, NEVER, DROP, STREAM, NEST, METHODS };
extern const char *const method_names[METHODS];

/* Classes of topics, as permissions speak of them. */
enum { NEWS = 1, JOBS = 2, EVERYTHING = 4 };

struct subject {
    const char *text;
    unsigned class; /* 0: nobody may */
};
extern const struct subject topics[], patterns[];
extern const unsigned n_topics, n_patterns;
/* The simulator's own idea of a match. */
bool topic_matches(const char *pattern, const char *topic);

enum right { NOTHING, ECHO_ONLY, EVERY_METHOD };

#define USERS_MAX 32u
#define PERMISSIONS_MAX 16u

struct user {
    unsigned tenant;
    char name[40];
    char token[24]; /* far from all others: a spoilt one is nobody's */
    enum right call[SERVICES];
    unsigned publish, hear; /* classes */
    bool across;            /* hears every tenant */
    bool operator_;         /* administers every tenant */
    bool admin;             /* administers its own */
    uint64_t expires_ms;    /* of its token, Unix */
    char permissions[PERMISSIONS_MAX][48];
    size_t n_permissions;
};

struct cast {
    struct user users[USERS_MAX];
    unsigned n_users;
    unsigned n_tenants; /* besides INFRA */
    struct terms terms[TIERS];
    enum tier_name tier_of[TENANTS];
};

/* Draws the tiers, and who has which. */
void cast_subscribe(struct cast *cast, struct dice *dice);
const struct terms *cast_terms(const struct cast *cast, unsigned tenant);

/* An ordinary user with rights drawn from the dice. */
struct user *cast_client(struct cast *cast, struct dice *dice, unsigned tenant);
/* Serves and calls what it likes; a tenant's own, or everyone's when of INFRA. */
struct user *cast_server(struct cast *cast, unsigned tenant);
/* Hears everything in its tenant, and does nothing. */
struct user *cast_witness(struct cast *cast, unsigned tenant);
/* Whose token ends while the world is busy. */
struct user *cast_leaver(struct cast *cast, struct dice *dice, unsigned tenant,
                         uint64_t expires_ms);
/* Sees and administers everything. */
struct user *cast_operator(struct cast *cast);

/* By name; NULL: nobody's. */
const struct user *cast_find(const struct cast *cast, struct slice name);
bool user_may_call(const struct user *user, enum service_name service, enum method_name method);
bool user_may_publish(const struct user *user, unsigned class);
bool user_expires(const struct user *user);
bool user_may_hear(const struct user *user, unsigned class);

/* Judges a token as the broker's token library would; `arg` is the cast. */
int cast_verify(void *arg, struct slice token, int64_t now_s, struct token_claims *claims,
                char *why);

#endif

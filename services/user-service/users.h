/* users.h - what the methods of the service share. Methods run on the host's worker threads and may
 * block; each answers its request. Whatever is another service's is asked of it in the name of
 * whoever asks here, so that it decides who may do what. */
#ifndef USER_SERVICE_USERS_H
#define USER_SERVICE_USERS_H

#include "farebox.h"
#include "person.h"

#include <pthread.h>

struct users {
    fbx_bus *bus;
    struct store *store;
    pthread_mutex_t lock; /* held from reading a person until they are saved */
    struct health_door *door;
};

/* ---- accounts.c, persons.c, tenants.c ---- */

void users_create(struct users *users, fbx_request *request);
void users_show(struct users *users, fbx_request *request);
void users_list(struct users *users, fbx_request *request);
void users_update(struct users *users, fbx_request *request);
void users_delete(struct users *users, fbx_request *request);

void users_profile(struct users *users, fbx_request *request);
void users_set_profile(struct users *users, fbx_request *request);
void users_preferences(struct users *users, fbx_request *request);
void users_set_preferences(struct users *users, fbx_request *request);

void users_subscription(struct users *users, fbx_request *request);
void users_create_tenant(struct users *users, fbx_request *request);
void users_show_tenant(struct users *users, fbx_request *request);
void users_list_tenants(struct users *users, fbx_request *request);
void users_update_tenant(struct users *users, fbx_request *request);
void users_suspend_tenant(struct users *users, fbx_request *request);
void users_resume_tenant(struct users *users, fbx_request *request);
void users_delete_tenant(struct users *users, fbx_request *request);

/* ---- answers.c ---- */

void users_respond(fbx_request *request, fbx_writer *w); /* frees the writer */
void users_refuse_store(fbx_request *request);

/* What that service says to whoever made the request. NULL: it refused, or did not answer, and the
 * request was refused alike. `w` is wiped and freed; NULL: {}. */
fbx_reply *users_ask(fbx_request *request, const char *service, const char *method, fbx_writer *w);
/* The same, but a refusal is the caller's to read. NULL: it did not answer, and the request was
 * refused. */
fbx_reply *users_ask_whether(fbx_request *request, const char *service, const char *method,
                             fbx_writer *w);

/* ---- audit.c ---- */

/* A user of that tenant was changed: a line of the log, and an event there. */
void users_audit(struct users *users, const fbx_request *request, const char *what,
                 const char *tenant, const char *user);
/* A tenant was: a line of the log; the broker tells of it. */
void users_audit_tenant(const fbx_request *request, const char *what, const char *tenant);

#endif

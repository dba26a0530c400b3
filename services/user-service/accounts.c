/* accounts.c - users: their accounts, which are auth's, with their profiles. */
#include "persons.h"
#include "relay.h"
#include "store/store.h"
#include "users.h"
#include "whose.h"

#include <errno.h>
#include <string.h>

/* ---- answers ---- */

/* What auth says of a user, and their profile. False: the store does not answer. */
static bool write_user(struct users *users, const fbx_value *account, fbx_writer *w)
{
    fbx_value tenant = fbx_map_get(account, "tenant"), user = fbx_map_get(account, "user");
    struct person person;
    char tenant_text[TENANT_SIZE], user_text[USER_SIZE];
    if (!fbx_as_text(&tenant, tenant_text, sizeof tenant_text) ||
        !fbx_as_text(&user, user_text, sizeof user_text))
        return false;
    int rc = person_load(users->store, tenant_text, user_text, &person);
    if (rc != 0 && rc != -ENOENT)
        return false;
    fbx_write_map(w, account->count + 1);
    fbx_write_elements(w, account);
    fbx_write_text(w, "profile");
    fbx_write_map(w, 4);
    persons_write_profile(&person.profile, w);
    return true;
}

static void respond_user(struct users *users, fbx_request *request, const fbx_reply *reply)
{
    fbx_value account;
    fbx_writer w = {0};
    if (fbx_read(fbx_reply_payload(reply), &account) && account.type == FBX_MAP &&
        write_user(users, &account, &w)) {
        users_respond(request, &w);
        return;
    }
    fbx_writer_free(&w);
    users_refuse_store(request);
}

/* ---- asking auth ---- */

/* With those of the arguments that it knows. NULL: answered. */
static fbx_reply *ask_auth(fbx_request *request, const char *method,
                           const struct arguments *arguments, const char *const *keys)
{
    fbx_writer w = {0};
    relay_some(&w, &arguments->map, keys);
    return users_ask(request, "auth", method, &w);
}

/* Any other refusal leaves open whether there is an account, and who may ask. */
static bool is_of_nobody(const fbx_reply *reply)
{
    const char *reason = fbx_reply_detail(reply, REASON);
    return reason && strcmp(reason, REASON_NO_SUCH_USER) == 0;
}

static const char *const all_of_user[] = {"tenant",      "user",     "password",
                                          "permissions", "disabled", NULL};

/* ---- what somebody has left ---- */

/* 0, -ENOENT, or another error of the store. `changed_ms`: only if it is that one still; NULL: any.
 */
static int forget_person(struct users *users, const struct whose *whose, const uint64_t *changed_ms)
{
    struct person person;
    pthread_mutex_lock(&users->lock);
    int rc = person_load(users->store, whose->tenant, whose->user, &person);
    bool is_meant = !changed_ms || person.changed_ms == *changed_ms;
    if ((rc == 0 && is_meant) || rc == -EILSEQ)
        rc = person_delete(users->store, whose->tenant, whose->user);
    if (rc == 0)
        rc = store_sync(users->store);
    pthread_mutex_unlock(&users->lock);
    return rc;
}

/* Whoever had that name before leaves nothing to whoever has it next. It goes before there is an
 * account, so that a death in between leaves none with it; once auth has said that there is none,
 * to somebody who may hear that. False: answered. */
static bool clear_place(struct users *users, fbx_request *request, const struct whose *whose)
{
    struct person person;
    fbx_writer w = {0};
    int rc = person_load(users->store, whose->tenant, whose->user, &person);
    if (rc == -ENOENT)
        return true;
    whose_write(whose, &w);
    fbx_reply *reply = users_ask_whether(request, "auth", "show", &w);
    if (!reply)
        return false;
    bool is_clear = fbx_reply_status(reply) == FBX_OK; /* a conflict, which auth tells of */
    if (is_of_nobody(reply)) {
        rc = forget_person(users, whose, &person.changed_ms);
        is_clear = rc == 0 || rc == -ENOENT;
        if (!is_clear)
            users_refuse_store(request);
    } else if (!is_clear) {
        fbx_refuse_as(request, reply);
    }
    fbx_reply_free(reply);
    return is_clear;
}

/* ---- methods ---- */

static int begin_person(struct users *users, const struct whose *whose,
                        const struct profile *profile)
{
    struct person person;
    person_init(&person, whose->tenant, whose->user);
    person.profile = *profile;
    pthread_mutex_lock(&users->lock);
    int rc = persons_keep(users, &person);
    pthread_mutex_unlock(&users->lock);
    return rc;
}

static void finish_create(struct users *users, fbx_request *request, const struct whose *whose,
                          const struct profile *profile, const fbx_reply *reply)
{
    int rc = begin_person(users, whose, profile);
    users_audit(users, request, "created", whose->tenant, whose->user);
    if (rc == 0)
        respond_user(users, request, reply);
    else
        fbx_respond_status(request, FBX_UNAVAILABLE,
                           "the user was created, but the store of profiles does not answer");
}

void users_create(struct users *users, fbx_request *request)
{
    static const char *const known[] = {"tenant", "user",   "password", "permissions", "name",
                                        "email",  "locale", "timezone", NULL};
    struct arguments arguments;
    struct whose whose;
    struct profile profile = {.name = ""};
    arguments_read(&arguments, request, known);
    whose_read(&whose, &arguments, request, true);
    persons_read_profile(&profile, &arguments);
    if (arguments_refused(&arguments, request) || !clear_place(users, request, &whose))
        return;
    fbx_reply *reply = ask_auth(request, "create", &arguments, all_of_user);
    if (reply)
        finish_create(users, request, &whose, &profile, reply);
    fbx_reply_free(reply);
}

void users_show(struct users *users, fbx_request *request)
{
    static const char *const known[] = {"tenant", "user", NULL};
    struct arguments arguments;
    struct whose whose;
    arguments_read(&arguments, request, known);
    whose_read(&whose, &arguments, request, true);
    if (arguments_refused(&arguments, request))
        return;
    fbx_reply *reply = ask_auth(request, "show", &arguments, known);
    if (reply)
        respond_user(users, request, reply);
    fbx_reply_free(reply);
}

void users_update(struct users *users, fbx_request *request)
{
    struct arguments arguments;
    struct whose whose;
    arguments_read(&arguments, request, all_of_user);
    whose_read(&whose, &arguments, request, true);
    if (arguments_refused(&arguments, request))
        return;
    fbx_reply *reply = ask_auth(request, "update", &arguments, all_of_user);
    if (reply) {
        users_audit(users, request, "updated", whose.tenant, whose.user);
        respond_user(users, request, reply);
    }
    fbx_reply_free(reply);
}

/* ---- deleting ---- */

/* The account is no more, or there was none, which is no mistake if there is a profile: it was left
 * behind by a death in between, or is that of somebody with a token from elsewhere. */
static void finish_delete(struct users *users, fbx_request *request, const struct whose *whose,
                          const fbx_reply *reply)
{
    int rc = forget_person(users, whose, NULL);
    fbx_writer w = {0};
    if (rc == -ENOENT && fbx_reply_status(reply) != FBX_OK) {
        fbx_refuse_as(request, reply);
        return;
    }
    users_audit(users, request, "deleted", whose->tenant, whose->user);
    if (rc == 0 || rc == -ENOENT) {
        fbx_write_map(&w, 0);
        users_respond(request, &w);
    } else {
        users_refuse_store(request);
    }
}

/* The account goes first: while it is there its user can make another profile. */
void users_delete(struct users *users, fbx_request *request)
{
    static const char *const known[] = {"tenant", "user", NULL};
    struct arguments arguments;
    struct whose whose;
    fbx_writer w = {0};
    arguments_read(&arguments, request, known);
    whose_read(&whose, &arguments, request, true);
    if (arguments_refused(&arguments, request))
        return;
    relay_some(&w, &arguments.map, known);
    fbx_reply *reply = users_ask_whether(request, "auth", "delete", &w);
    if (!reply)
        return;
    if (fbx_reply_status(reply) == FBX_OK || is_of_nobody(reply))
        finish_delete(users, request, &whose, reply);
    else
        fbx_refuse_as(request, reply);
    fbx_reply_free(reply);
}

/* ---- listing ---- */

static bool write_page(struct users *users, const fbx_value *page, fbx_writer *w)
{
    fbx_value list = fbx_map_get(page, "users"), next = fbx_map_get(page, "next"), account;
    const unsigned char *cursor = NULL;
    if (list.type != FBX_ARRAY)
        return false;
    fbx_write_map(w, 2);
    fbx_write_text(w, "next");
    fbx_write_value(w, &next);
    fbx_write_text(w, "users");
    fbx_write_array(w, list.count);
    while (fbx_next(&list, &cursor, &account))
        if (!write_user(users, &account, w))
            return false;
    return true;
}

void users_list(struct users *users, fbx_request *request)
{
    static const char *const known[] = {"tenant", "after", NULL};
    struct arguments arguments;
    fbx_value page;
    fbx_writer w = {0};
    arguments_read(&arguments, request, known);
    if (arguments_refused(&arguments, request))
        return;
    fbx_reply *reply = ask_auth(request, "list", &arguments, known);
    if (!reply)
        return;
    if (fbx_read(fbx_reply_payload(reply), &page) && write_page(users, &page, &w)) {
        users_respond(request, &w);
    } else {
        fbx_writer_free(&w);
        users_refuse_store(request);
    }
    fbx_reply_free(reply);
}

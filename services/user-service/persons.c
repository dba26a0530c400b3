/* persons.c - profiles and preferences. */
#include "persons.h"

#include "base/clock.h"
#include "common/fields.h"
#include "store/store.h"
#include "users.h"
#include "whose.h"

#include <errno.h>

/* ---- profiles in arguments and answers ---- */

static void read_field(struct arguments *arguments, const char *key, char *out, size_t size,
                       bool (*fits)(const char *text), const char *wanted)
{
    arguments_optional_text(arguments, key, out, size);
    if (!fits(out))
        arguments_refuse(arguments, "%s: must be %s", key, wanted);
}

void persons_read_profile(struct profile *profile, struct arguments *arguments)
{
    read_field(arguments, "name", profile->name, sizeof profile->name, profile_is_name,
               "UTF-8 without control characters");
    read_field(arguments, "email", profile->email, sizeof profile->email, profile_is_email,
               "an address like ann@example.com");
    read_field(arguments, "locale", profile->locale, sizeof profile->locale, profile_is_locale,
               "like en or de-CH");
    read_field(arguments, "timezone", profile->timezone, sizeof profile->timezone,
               profile_is_timezone, "like Europe/Zurich");
}

void persons_write_profile(const struct profile *profile, fbx_writer *w)
{
    field_put_text(w, "name", profile->name);
    field_put_text(w, "email", profile->email);
    field_put_text(w, "locale", profile->locale);
    field_put_text(w, "timezone", profile->timezone);
}

static void write_whose(const struct person *person, fbx_writer *w)
{
    field_put_text(w, "tenant", person->tenant);
    field_put_text(w, "user", person->user);
    fbx_write_text(w, "changed_ms");
    fbx_write_uint(w, person->changed_ms);
}

static void respond_profile(fbx_request *request, const struct person *person)
{
    fbx_writer w = {0};
    fbx_write_map(&w, 7);
    write_whose(person, &w);
    persons_write_profile(&person->profile, &w);
    users_respond(request, &w);
}

static void respond_preferences(fbx_request *request, const struct person *person)
{
    fbx_writer w = {0};
    fbx_write_map(&w, 5);
    write_whose(person, &w);
    preferences_write(&person->preferences, &w);
    users_respond(request, &w);
}

/* ---- looking ---- */

static void look(struct users *users, fbx_request *request,
                 void (*respond)(fbx_request *request, const struct person *person))
{
    static const char *const known[] = {"tenant", "user", NULL};
    struct arguments arguments;
    struct whose whose;
    struct person person;
    arguments_read(&arguments, request, known);
    whose_read(&whose, &arguments, request, false);
    if (arguments_refused(&arguments, request) || !whose_admits(&whose, request))
        return;
    int rc = person_load(users->store, whose.tenant, whose.user, &person);
    if (rc == 0 || rc == -ENOENT)
        respond(request, &person);
    else
        users_refuse_store(request);
}

void users_profile(struct users *users, fbx_request *request)
{
    look(users, request, respond_profile);
}

void users_preferences(struct users *users, fbx_request *request)
{
    look(users, request, respond_preferences);
}

/* ---- changing ---- */

int persons_keep(struct users *users, struct person *person)
{
    person->changed_ms = clock_now().unix_ms;
    int rc = person_save(users->store, person);
    return rc == 0 ? store_sync(users->store) : rc;
}

/* Otherwise whoever administers users could fill the store with those of nobody. */
static bool is_somebody(fbx_request *request, const struct whose *whose)
{
    fbx_writer w = {0};
    if (whose_is_caller(whose, request))
        return true;
    whose_write(whose, &w);
    fbx_reply *reply = users_ask(request, "auth", "show", &w);
    fbx_reply_free(reply);
    return reply != NULL;
}

struct change {
    struct users *users;
    struct arguments arguments;
    struct whose whose;
    struct person person; /* what it comes to */
};

static void merge_profile(struct change *change)
{
    persons_read_profile(&change->person.profile, &change->arguments);
}

static void merge_preferences(struct change *change)
{
    preferences_read(&change->person.preferences, &change->arguments);
}

/* Under the lock. 0 also if something is wrong, which the arguments say. */
static int merge_and_save(struct change *change, void (*merge)(struct change *change))
{
    int rc = person_load(change->users->store, change->whose.tenant, change->whose.user,
                         &change->person);
    if (rc != 0 && rc != -ENOENT)
        return rc;
    merge(change);
    if (change->arguments.wrong[0])
        return 0;
    return persons_keep(change->users, &change->person);
}

static bool change(struct change *self, fbx_request *request, const char *const *known,
                   void (*merge)(struct change *change))
{
    arguments_read(&self->arguments, request, known);
    whose_read(&self->whose, &self->arguments, request, false);
    if (arguments_refused(&self->arguments, request) || !whose_admits(&self->whose, request) ||
        !is_somebody(request, &self->whose))
        return false;
    pthread_mutex_lock(&self->users->lock);
    int rc = merge_and_save(self, merge);
    pthread_mutex_unlock(&self->users->lock);
    if (rc != 0)
        users_refuse_store(request);
    return rc == 0 && !arguments_refused(&self->arguments, request);
}

void users_set_profile(struct users *users, fbx_request *request)
{
    static const char *const known[] = {"tenant", "user",     "name", "email",
                                        "locale", "timezone", NULL};
    struct change self = {.users = users};
    if (!change(&self, request, known, merge_profile))
        return;
    users_audit(users, request, "profile", self.whose.tenant, self.whose.user);
    respond_profile(request, &self.person);
}

void users_set_preferences(struct users *users, fbx_request *request)
{
    static const char *const known[] = {"tenant", "user", "channels", "kinds", NULL};
    struct change self = {.users = users};
    if (!change(&self, request, known, merge_preferences))
        return;
    users_audit(users, request, "preferences", self.whose.tenant, self.whose.user);
    respond_preferences(request, &self.person);
}

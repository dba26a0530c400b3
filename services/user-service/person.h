/* person.h - what is kept of a user besides their account: profile and preferences. Records are
 * MessagePack in the table "persons" under TENANT/USER. A person is a plain value. */
#ifndef USER_SERVICE_PERSON_H
#define USER_SERVICE_PERSON_H

#include "base/buf.h"
#include "common/names.h"
#include "preferences.h"
#include "profile.h"

struct store;

struct person {
    char tenant[TENANT_SIZE], user[USER_SIZE];
    struct profile profile;
    struct preferences preferences;
    uint64_t changed_ms; /* Unix; 0: never */
};

/* Of whom nothing is known. */
void person_init(struct person *person, const char *tenant, const char *user);
void person_write(const struct person *person, struct buf *out);
/* Into one that person_init() has named. False: not such a record; it is undefined then. */
bool person_read(struct person *person, struct slice record);

/* 0; -ENOENT: as person_init() leaves it; or another error of the store. */
int person_load(struct store *store, const char *tenant, const char *user, struct person *out);
/* Queued: store_sync() then waits for the disk. */
int person_save(struct store *store, const struct person *person);
int person_delete(struct store *store, const char *tenant, const char *user);
/* All of a tenant's: how many, or an error of the store. */
int person_delete_all(struct store *store, const char *tenant);

#endif

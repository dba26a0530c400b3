/* persons.h - profiles in requests and answers. */
#ifndef USER_SERVICE_PERSONS_H
#define USER_SERVICE_PERSONS_H

#include "common/arguments.h"
#include "person.h"

struct users;

/* What the arguments `name`, `email`, `locale` and `timezone` say, in place of what was said; ""
 * takes it away. */
void persons_read_profile(struct profile *profile, struct arguments *arguments);
/* Those four as pairs of a map. */
void persons_write_profile(const struct profile *profile, fbx_writer *w);

/* On disk when it returns. 0, or an error of the store. */
int persons_keep(struct users *users, struct person *person);

#endif

/* names.h - room for names, with their terminators, whose grammar is in base/name.h; and the names
 * of what services say to programs. */
#ifndef SERVICES_COMMON_NAMES_H
#define SERVICES_COMMON_NAMES_H

#define TENANT_SIZE 64u
#define USER_SIZE 129u

/* A detail of a refusal, and what it may say. */
#define REASON "reason"
#define REASON_NO_SUCH_USER "no_such_user"

#endif

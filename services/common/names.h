/* names.h - room for names, with their terminators. Their grammar is in base/name.h. */
#ifndef SERVICES_COMMON_NAMES_H
#define SERVICES_COMMON_NAMES_H

#define TENANT_SIZE 64u
#define USER_SIZE 129u

#endif

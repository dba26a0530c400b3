/* profile.h - what a user says of themselves, for people and for those who write to them. Pure. */
#ifndef USER_SERVICE_PROFILE_H
#define USER_SERVICE_PROFILE_H

#include <stdbool.h>

#define PROFILE_NAME_SIZE 129u
#define PROFILE_EMAIL_SIZE 255u
#define PROFILE_LOCALE_SIZE 36u
#define PROFILE_TIMEZONE_SIZE 65u

struct profile {
    char name[PROFILE_NAME_SIZE];         /* UTF-8 */
    char email[PROFILE_EMAIL_SIZE];       /* ann@example.com */
    char locale[PROFILE_LOCALE_SIZE];     /* de-CH */
    char timezone[PROFILE_TIMEZONE_SIZE]; /* Europe/Zurich */
};

/* Is that text such a thing? "" is: nothing is said. */
bool profile_is_name(const char *text); /* without control characters */
/* One that could be written to, in the form that everybody uses: no comments, no quotes, ASCII. */
bool profile_is_email(const char *text);
bool profile_is_locale(const char *text);   /* as BCP 47 writes them; not whether it exists */
bool profile_is_timezone(const char *text); /* as tz names them; not whether it exists */

#endif

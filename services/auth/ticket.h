/* ticket.h - a refresh token as it travels: whose it is, its family and its secret, in base64url
 * that nobody but us reads. Pure. */
#ifndef AUTH_TICKET_H
#define AUTH_TICKET_H

#include "common/names.h"
#include "families.h"

#define TICKET_TEXT_SIZE 384u

struct ticket {
    char tenant[TENANT_SIZE], user[USER_SIZE];
    uint8_t id[FAMILY_ID_BYTES], secret[FAMILY_SECRET_BYTES];
};

void ticket_print(const struct ticket *ticket, char out[TICKET_TEXT_SIZE]);
/* False, with the ticket undefined: not a text of ticket_print(). */
bool ticket_read(struct ticket *ticket, const char *text);

#endif

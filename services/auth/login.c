/* login.c - a password, and what it gives. */
#include "auth.h"
#include "issue.h"
#include "origin.h"

#include "base/log.h"
#include "common/arguments.h"

#include <errno.h>
#include <sodium.h>

struct login {
    char tenant[TENANT_SIZE], user[USER_SIZE], password[PASSWORD_SIZE], address[ORIGIN_SIZE];
};

static bool read_login(struct login *login, fbx_request *request)
{
    static const char *const known[] = {"tenant", "user", "password", "address", NULL};
    struct arguments arguments;
    arguments_read(&arguments, request, known);
    arguments_text(&arguments, "tenant", login->tenant, sizeof login->tenant);
    arguments_text(&arguments, "user", login->user, sizeof login->user);
    arguments_text(&arguments, "password", login->password, sizeof login->password);
    arguments_optional_text(&arguments, "address", login->address, sizeof login->address);
    return !arguments_refused(&arguments, request);
}

/* The user may be a password in the wrong field: it is not logged. */
static void refuse(struct auth *auth, fbx_request *request, const struct origin *origin)
{
    origin_failed(auth, origin);
    log_event(LOG_INFO, "auth.refused", "address", origin->text, NULL);
    auth_refuse_credentials(request);
}

static void log_in(struct auth *auth, fbx_request *request, const struct login *login,
                   const struct origin *origin)
{
    struct account account;
    int rc = auth_check(auth, login->tenant, login->user, login->password, &account);
    if (rc == -EACCES) {
        refuse(auth, request, origin);
    } else if (rc != 0) {
        auth_refuse_store(request);
    } else {
        if (issue(auth, request, &account, NULL))
            log_event(LOG_INFO, "auth.login", "tenant", account.tenant, "user", account.user,
                      "address", origin->text, NULL);
        account_finish(&account);
    }
}

void auth_login(struct auth *auth, fbx_request *request)
{
    struct login login = {0};
    struct origin origin = {""};
    if (read_login(&login, request) &&
        origin_read(&origin, auth, request, login.address, login.tenant) &&
        !origin_refused(auth, &origin, request))
        log_in(auth, request, &login, &origin);
    sodium_memzero(&login, sizeof login);
}

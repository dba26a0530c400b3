/* setup.h - the module's settings, read and checked. */
#ifndef AUTH_SETUP_H
#define AUTH_SETUP_H

#include "module/module.h"

struct token_key;

struct setup {
    const char *store;                   /* folder */
    const char *secret_file, *keys_file; /* one of the two; the other is NULL */
    const char *issuer, *audience;       /* NULL: none */
    uint32_t token_s, refresh_s;         /* how long they last */
    uint32_t attempts, address_attempts, lock_ms;
    uint32_t threads;
};

extern const char *const setup_keys[];

/* Text is borrowed from the environment. 0, or a negative number and a reason. */
int setup_read(struct setup *setup, const struct module_env *env, struct module_error *why);
/* The key that signs now: the file may have changed. NULL and a reason; otherwise to be destroyed.
 */
struct token_key *setup_key(const struct setup *setup, struct module_error *why);

#endif

/* stub.h - a module that does nothing, for the import manager's tests. Define
 * STUB_NAME, and STUB_ABI or STUB_REQUIRES where they matter. */
#ifndef TESTS_MODULES_STUB_H
#define TESTS_MODULES_STUB_H

#include "module/module.h"

#ifndef STUB_ABI
#define STUB_ABI MODULE_ABI
#endif

static int stub_start(void **instance, const struct module_env *env, struct module_error *why)
{
    (void)env;
    (void)why;
    *instance = NULL;
    return 0;
}

static void stub_stop(void *instance)
{
    (void)instance;
}

#ifdef STUB_REQUIRES
static const char *const stub_requires[] = {STUB_REQUIRES, NULL};
#else
#define stub_requires NULL
#endif

const struct farebox_module farebox_module = {
    .abi = STUB_ABI,
    .name = STUB_NAME,
    .version = "1",
    .requires = stub_requires,
    .start = stub_start,
    .stop = stub_stop,
};

#endif

#include "module/imports.h"

#include "base/mem.h"
#include "base/name.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct import {
    void *handle;
    const struct farebox_module *module;
    char *directory;
};

struct imports {
    size_t count;
    struct import items[];
};

int imports_refuse(struct module_error *why, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
    return code;
}

static int check_table(const struct farebox_module *module, const char *file,
                       struct module_error *why)
{
    if (module->abi != MODULE_ABI)
        return imports_refuse(why, -ENOEXEC, "%s: made for module ABI %u, this is %u", file,
                              module->abi, MODULE_ABI);
    if (!module->name || !name_valid(slice_of(module->name)))
        return imports_refuse(why, -ENOEXEC, "%s: has no valid name", file);
    if (!module->version || !module->start || !module->stop)
        return imports_refuse(why, -ENOEXEC, "%s: its table is incomplete", file);
    return 0;
}

static void import_close(struct import *import)
{
    if (import->handle)
        (void)dlclose(import->handle);
    free(import->directory);
}

/* Opened by its real path, so that what was checked is what is loaded. */
static int import_open(struct import *import, const char *file, struct module_error *why)
{
    int rc = imports_trust(file, &import->directory, why);
    if (rc < 0)
        return rc;
    import->handle = dlopen(import->directory, RTLD_NOW | RTLD_LOCAL);
    *strrchr(import->directory, '/') = '\0';
    if (!import->handle)
        return imports_refuse(why, -ENOEXEC, "%s", dlerror());
    import->module = dlsym(import->handle, "farebox_module");
    if (!import->module)
        return imports_refuse(why, -ENOEXEC, "%s: is not a Farebox module", file);
    return check_table(import->module, file, why);
}

static int put_in_order(struct imports *imports, struct module_error *why)
{
    size_t n = imports->count;
    const struct farebox_module **modules = mem_alloc(n * sizeof(struct farebox_module *) + 1);
    size_t *order = mem_alloc(n * sizeof(size_t) + 1);
    struct import *loaded = mem_alloc(n * sizeof(struct import) + 1);
    memcpy(loaded, imports->items, n * sizeof(struct import));
    for (size_t i = 0; i < n; i++)
        modules[i] = loaded[i].module;
    int rc = imports_order(modules, n, order, why);
    for (size_t i = 0; i < n && rc == 0; i++)
        imports->items[i] = loaded[order[i]];
    mem_free(loaded);
    mem_free(order);
    mem_free(modules);
    return rc;
}

int imports_load(struct imports **out, const char *const *files, size_t n_files,
                 struct module_error *why)
{
    struct imports *imports = mem_zalloc(sizeof *imports + n_files * sizeof(struct import));
    int rc = 0;
    while (imports->count < n_files && rc == 0) {
        rc = import_open(&imports->items[imports->count], files[imports->count], why);
        imports->count++;
    }
    if (rc == 0)
        rc = put_in_order(imports, why);
    if (rc < 0) {
        imports_unload(imports);
        return rc;
    }
    *out = imports;
    return 0;
}

/* Dependants first. */
void imports_unload(struct imports *imports)
{
    if (!imports)
        return;
    while (imports->count > 0)
        import_close(&imports->items[--imports->count]);
    mem_free(imports);
}

size_t imports_count(const struct imports *imports)
{
    return imports->count;
}

const struct farebox_module *imports_at(const struct imports *imports, size_t index)
{
    return imports->items[index].module;
}

const char *imports_directory(const struct imports *imports, size_t index)
{
    return imports->items[index].directory;
}

const struct farebox_module *imports_find(const struct imports *imports, const char *name)
{
    for (size_t i = 0; i < imports->count; i++)
        if (strcmp(imports->items[i].module->name, name) == 0)
            return imports->items[i].module;
    return NULL;
}

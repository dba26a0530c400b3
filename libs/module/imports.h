/* imports.h - the import manager: loads modules and puts them into dependency
 * order. Not thread safe. Functions return 0 or a negative errno code:
 *   -EPERM    the file, or a folder on its way, is one that strangers can change
 *   -ENOEXEC  not a module, or one of another ABI
 *   -EEXIST   two modules have the same name
 *   -ENXIO    a required module is not there
 *   -ELOOP    modules require each other; the reason names the path, "a -> b -> a"
 * or that of the failing system call. `why` then says which file and what. */
#ifndef MODULE_IMPORTS_H
#define MODULE_IMPORTS_H

#include "module/module.h"

struct imports;

/* Loads all files or none. */
int imports_load(struct imports **out, const char *const *files, size_t n_files,
                 struct module_error *why);
/* Unmaps the modules: nothing of them may run or be referred to. Takes NULL. */
void imports_unload(struct imports *imports);

/* In dependency order; otherwise in the order they were given. */
size_t imports_count(const struct imports *imports);
const struct farebox_module *imports_at(const struct imports *imports, size_t index);
/* The folder the module's file lies in, without symbolic links. */
const char *imports_directory(const struct imports *imports, size_t index);
/* The module of that name, or NULL. */
const struct farebox_module *imports_find(const struct imports *imports, const char *name);

/* ---- the parts, for themselves ---- */

/* Fills `order` with indexes of `modules`. */
int imports_order(const struct farebox_module *const *modules, size_t n_modules, size_t *order,
                  struct module_error *why);

/* May code be loaded from here? The file must be a regular file, no symbolic
 * link, not writable by everyone; neither may any folder on its way be, unless it is sticky
 * and what lies in it belongs to us. `*real` is then its path without symbolic
 * links, to be freed with free(). */
int imports_trust(const char *file, char **real, struct module_error *why);

/* Writes the reason and returns `code`. */
int imports_refuse(struct module_error *why, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif

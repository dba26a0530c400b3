/* running.h - modules on one bus, from start to stop. Not thread safe. */
#ifndef HOST_RUNNING_H
#define HOST_RUNNING_H

#include "exits.h"
#include "farebox.h"
#include "module/imports.h"
#include "options.h"

struct running;

/* Does every --set name a loaded module and a key of its? */
enum host_exit running_check_settings(const struct imports *imports,
                                      const struct host_options *options, struct module_error *why);

/* Starts all modules in order; the options outlive them. Takes the bus over, also when it fails;
 * what had started by then is ended again. */
enum host_exit running_start(struct running **out, fbx_bus *bus, const struct imports *imports,
                             const struct host_options *options, struct module_error *why);
/* Services registered so far, in that order. */
size_t running_services(const struct running *running);
const char *running_service(const struct running *running, size_t index);

/* Withdraws the services if there is a broker to tell, lets modules and running calls
 * finish, closes the bus, frees. Takes NULL. */
void running_end(struct running *running, bool connected);

#endif

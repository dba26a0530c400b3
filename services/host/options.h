/* options.h - the host's command line and environment. */
#ifndef HOST_OPTIONS_H
#define HOST_OPTIONS_H

#include "exits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From --set MODULE.KEY=VALUE. */
struct host_setting {
    char *module, *key, *value; /* `module` owns the memory of all three */
};

/* From --tier SERVICE[.METHOD]=TIER. */
struct host_tier {
    char *service, *method, *tier; /* `service` owns the memory; method NULL: all of them */
};

struct host_options {
    const char *url, *name, *tls_ca_file, *tls_server_name;
    const char *tenant; /* serve only this one; NULL: as the modules say */
    char *token;
    uint32_t workers, drain_ms, health_interval_ms;
    struct host_setting *settings;
    size_t n_settings;
    struct host_tier *tiers;
    size_t n_tiers;
    const char *const *files; /* of modules; borrowed from argv */
    size_t n_files;
    bool done; /* nothing to run: help or the version was printed */
};

/* Reads flags first, then FAREBOX_URL, FAREBOX_TOKEN and FAREBOX_TOKEN_FILE, and the token's file.
 * A token on the command line is wiped from argv, so that it does not stay in the
 * process list. Says what is wrong on standard error. Finish in either case. */
enum host_exit host_options_read(struct host_options *options, int argc, char **argv);
void host_options_finish(struct host_options *options);

#endif

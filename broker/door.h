/* door.h - the broker's door: a cooked REP socket whose contexts grow on demand, behind
 * struct io. The only way frames reach the core. (REP never loses an inbound
 * request; raw sockets and pair drop silently.)
 *
 * Threads: nng's callback threads bring frames. Whoever finds the door free turns the
 * crank for everybody - one turn of the core at a time - so there is no hand-off to a
 * thread of our own on the way. The program's main thread turns it when a timer is due. */
#ifndef BROKER_DOOR_H
#define BROKER_DOOR_H

#include "config.h"
#include "core/core.h"
#include "policy/allow.h"
#include "store/ledger.h"
#include "store/store.h"

struct door;

struct door_options {
    size_t max_exchanges; /* requests held unanswered */
    struct store *store;
    struct ledger *ledger;
    const char *feeds_dir; /* 0700: feeds' sockets go here; must stay valid */
};

/* Opens the socket; nothing is received before door_run(). */
int door_create(struct door **out, const struct door_options *options);
/* The functions through which the core reaches the world. */
struct io door_io(struct door *door);
/* Connections beyond it are closed as they come. May change at any time. */
void door_limit_connections(struct door *door, unsigned most);
/* The health endpoints that may be asked, none before, and the file of those who may vouch for
 * https ones, empty: whom the system trusts. May change at any time. */
void door_allow_probes(struct door *door, const struct allow_list *list, const char *ca_file);
/* Starts receiving for `core`, listening on every URL of the settings. On failure `why`
 * (SETTINGS_WHY_BYTES) names the URL and the reason. */
int door_run(struct door *door, struct core *core, const struct settings *settings, char *why);
/* Runs `task` in a turn of its own, on the calling thread. */
void door_turn(struct door *door, void (*task)(struct core *core, void *arg), void *arg);
/* Blocks until a timer is due, `fd` (-1: none) is readable or `most_ms` have passed; turns the
 * crank for timers. True: `fd` is readable. */
bool door_wait(struct door *door, int fd, int most_ms);
/* Stops receiving and closes the socket: no turn runs after this, and the core may go. */
void door_close(struct door *door);
/* Takes NULL. Ends nng with it: nothing else in the process may be using it. */
void door_destroy(struct door *door);

#endif

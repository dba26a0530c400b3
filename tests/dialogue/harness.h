/* harness.h - a place where real processes run for a test: a folder of its own, a
 * secret, a broker and whatever else, all gone when the place is. Waiting is for lines and
 * exits, never for time. Failures of the harness itself end the test. */
#ifndef DIALOGUE_HARNESS_H
#define DIALOGUE_HARNESS_H

#include "farebox.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PLACE_PATH 128
#define PLACE_PROCESSES 32
#define PLACE_PATIENCE_MS 20000 /* for anything that must happen */

struct token_key;

struct process {
    pid_t pid;
    int out; /* read end of its standard output and error */
};

struct place {
    char dir[PLACE_PATH / 2];
    char url[PLACE_PATH], data[PLACE_PATH], secret[PLACE_PATH];
    struct token_key *key;
    struct process broker;
    struct process others[PLACE_PROCESSES];
    size_t n_others;
};

struct place *place_create(void);
/* Kills what still runs, stops the broker, which must leave in order, and removes the folder. */
void place_destroy(struct place *place);

/* Starts the broker with further flags (NULL-terminated, or NULL) and waits until it says that it
 * is ready. */
void place_start_broker(struct place *place, const char *const *flags);
/* The same, for who counts failures. */
bool place_try_broker(struct place *place, const char *const *flags);
/* Sends the signal and waits for the end. Returns the exit code, or 128 + the signal that ended it.
 */
int place_stop_broker(struct place *place, int signal);
/* From its next start on the broker takes none of the tokens made so far. */
void place_change_secret(const struct place *place);

/* The path of something built, e.g. "lib/farebox/echo.so". */
void build_path(char *out, size_t size, const char *below);

/* Starts a program of the build (by name) or of the system (by path); waits for a line that starts
 * with `ready` unless that is NULL. */
struct process *place_start(struct place *place, const char *ready, const char *const *argv);
int process_stop(struct process *process, int signal);
/* SIGSTOP, and waits until none of its threads runs any more. */
void process_freeze(pid_t pid);
/* Runs it to its end; `out` receives what it wrote, terminated. Returns the exit code. */
int place_run(struct place *place, char *out, size_t size, const char *const *argv);
/* The next line that starts with `start`, from the process's output. False: it ended without. */
bool process_line(struct process *process, const char *start, char *line, size_t size);

/* Permissions: NULL-terminated. Free with free(). */
char *place_token(struct place *place, const char *tenant, const char *user, const char *tier,
                  const char *const *permissions);
/* The same in a file below the place; returns its path, free with free(). */
char *place_token_file(struct place *place, const char *tenant, const char *user,
                       const char *const *permissions);
/* Connects as a user with these permissions. */
fbx_bus *place_connect(struct place *place, const char *tenant, const char *user,
                       const char *const *permissions);

/* Calls `done` every few milliseconds until it says true; false when patience ends. For
 * state that no message announces. */
bool eventually(bool (*done)(void *arg), void *arg);

/* A tcp port of the loopback that was free a moment ago. */
int free_port(void);

/* A call with a text payload; returns the status and copies the reply's payload. */
int call_text(fbx_bus *bus, const char *service, const char *method, const char *text, char *reply,
              size_t size);

#endif

/* access.h - the access log: a line of JSON for each request, once its response has ended. Nothing
 * in it is a secret: no query, no header but User-Agent, no body. The loop thread's; lines gather
 * and are written a quarter of a second later at the latest, or when 64 KiB have gathered. */
#ifndef GATEWAY_ACCESS_H
#define GATEWAY_ACCESS_H

#include <stdatomic.h>
#include <stdint.h>

struct access_log;
struct exchange;

/* `path` "": none is kept. Lines that the file does not take at once are lost, and counted in
 * `lost`. NULL with errno: cannot be opened. */
struct access_log *access_log_open(const char *path, _Atomic uint64_t *lost);
void access_log_close(struct access_log *log); /* writes what has gathered; takes NULL */
/* Goes on in that file, which may be a new one under the old name. Negative errno: everything stays
 * as it was. */
int access_log_reopen(struct access_log *log, const char *path);
/* While the connection lives. */
void access_log_add(struct access_log *log, const struct exchange *exchange, unsigned status,
                    uint64_t ns);
void access_log_flush(struct access_log *log);

#endif

/* health_door.h - how the service is, for whoever asks by HTTP: GET /health, in a thread of its
 * own. {"status": "pass"} with 200, {"status": "fail"} with 503. */
#ifndef USER_SERVICE_HEALTH_DOOR_H
#define USER_SERVICE_HEALTH_DOOR_H

#include <stdbool.h>

struct health_door;

/* `listen`: "127.0.0.1:8009". `is_well` is called on that thread. 0, or a negative errno. */
int health_door_open(struct health_door **out, const char *listen, bool (*is_well)(void *arg),
                     void *arg);
void health_door_close(struct health_door *door); /* takes NULL */

#endif

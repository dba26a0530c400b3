/* payload.h - payloads between JSON, which people write, and MessagePack, which travels. */
#ifndef INSPECTOR_PAYLOAD_H
#define INSPECTOR_PAYLOAD_H

#include "cli.h"

/* Appends the MessagePack of JSON text; "-" is read from standard input; NULL is `{}`. Returns the
 * exit status, complaining of what is no JSON or too large. */
int payload_read(const struct cli *cli, const char *json, struct buf *msgpack);
/* Appends compact JSON, always: what no JSON can say becomes base64 text. */
void payload_to_json(struct buf *out, fbx_bytes payload, const char *content_type);

#endif

/* read.h - what the reading half shares between its files. Internal to libs/wire. */
#ifndef WIRE_READ_H
#define WIRE_READ_H

#include "wire/proto.h"
#include "wire/wire.h"

/* Unpacks a body of `kind` with protobuf-c into the arena; bodies without fields
 * are only checked, and give NULL. `budget`: how many more fields this frame may
 * have that cost memory. */
int wire_read_control(const ProtobufCMessage **out, enum wire_kind kind, struct slice bytes,
                      uint32_t *budget, struct arena *arena);

/* Reads the Details among a reply's fields; `count` of them, as counted before. */
int wire_read_details(const struct wire_detail **out, size_t count, struct slice reply,
                      struct arena *arena);

#endif

/* json.h - MessagePack <-> JSON, for people and for the HTTP side. Pure.
 * Numbers: integers stay integers, 64 bits both ways; floats keep 17 digits.
 * MessagePack bin becomes base64 text; ext and non-text map keys are refused;
 * JSON text must be UTF-8, and an object has each name once; what a MessagePack map
 * says twice stays twice. Depth is bounded by JSON_DEPTH_MAX.
 * Errors: -EBADMSG malformed, -EMSGSIZE too deep, -ENOTSUP cannot be said in the
 * other form; `why` (may be NULL) then says where and what, `out` is as it was. */
#ifndef WIRE_JSON_H
#define WIRE_JSON_H

#include "base/buf.h"

#define JSON_DEPTH_MAX 64u

struct json_error {
    char text[160];
};

/* Appends compact JSON to `out`. Empty input becomes "null". */
int json_from_msgpack(struct buf *out, struct slice msgpack, struct json_error *why);
/* Appends MessagePack to `out`. */
int msgpack_from_json(struct buf *out, struct slice json, struct json_error *why);
/* Is this exactly one well-formed MessagePack value within the depth bound? */
bool msgpack_valid(struct slice msgpack);

#endif

#include "token_text.h"

#include "base/mem.h"
#include "payload.h"
#include "wire/json.h"

#include <farebox.h>
#include <sodium.h>
#include <string.h>

/* A base64url segment that holds a JSON object, as MessagePack. */
static bool read_segment(struct slice segment, struct buf *msgpack)
{
    char *json = mem_alloc(segment.len + 1);
    size_t len = 0;
    const char *end = NULL;
    bool fine = sodium_base642bin((unsigned char *)json, segment.len + 1,
                                  (const char *)segment.data, segment.len, NULL, &len, &end,
                                  sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
                end == (const char *)segment.data + segment.len &&
                msgpack_from_json(msgpack, slice_make(json, len), NULL) == 0;
    mem_free(json);
    return fine;
}

bool token_text_read(const char *token, struct buf *header, struct buf *claims)
{
    const char *first = strchr(token, '.');
    const char *second = first ? strchr(first + 1, '.') : NULL;
    return second && read_segment(slice_make(token, (size_t)(first - token)), header) &&
           read_segment(slice_make(first + 1, (size_t)(second - first - 1)), claims);
}

int64_t token_text_expires(const char *token)
{
    struct buf header = {0}, claims = {0};
    fbx_value map;
    int64_t at = 0;
    if (token_text_read(token, &header, &claims) &&
        fbx_read((fbx_bytes){claims.data, claims.len}, &map)) {
        fbx_value expires = fbx_map_get(&map, "exp");
        at = expires.type == FBX_UINT ? (int64_t)expires.as.natural : 0;
    }
    buf_finish(&header);
    buf_finish(&claims);
    return at;
}

/* fuzz_msgpack.c - MessagePack and JSON from strangers. The same bytes are tried
 * as both; what is accepted is converted there and back, and must then be stable. */
#include "base/mem.h"
#include "wire/json.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void require_error(int rc, const struct json_error *why, const struct buf *out)
{
    require(rc == -EBADMSG || rc == -EMSGSIZE || rc == -ENOTSUP);
    require(why->text[0] != 0 && out->len == 0);
}

/* A map may say a name twice, an object may not. */
static void from_own_json(struct slice json)
{
    struct buf packed = {0}, again = {0};
    struct json_error why = {""};
    int rc = msgpack_from_json(&packed, json, &why);
    if (rc < 0) {
        require(strstr(why.text, "twice") != NULL);
    } else {
        require(json_from_msgpack(&again, buf_slice(&packed), NULL) == 0);
        require(slice_equal(json, buf_slice(&again)));
    }
    buf_finish(&packed);
    buf_finish(&again);
}

static void from_msgpack(struct slice input)
{
    struct buf json = {0};
    struct json_error why = {""};
    int rc = json_from_msgpack(&json, input, &why);
    require(rc == 0 || rc == -ENOTSUP || !msgpack_valid(input));
    if (rc < 0) {
        require_error(rc, &why, &json);
    } else {
        require(json.len <= 6 * input.len + 4); /* "\u0000" for a byte is the worst */
        from_own_json(buf_slice(&json));
    }
    buf_finish(&json);
}

static void from_json(struct slice input)
{
    struct buf packed = {0}, json = {0}, again = {0};
    struct json_error why = {""};
    int rc = msgpack_from_json(&packed, input, &why);
    if (rc < 0) {
        require_error(rc, &why, &packed);
    } else {
        require(msgpack_valid(buf_slice(&packed)));
        require(packed.len <= 3 * input.len);
        require(json_from_msgpack(&json, buf_slice(&packed), NULL) == 0);
        require(msgpack_from_json(&again, buf_slice(&json), NULL) == 0);
        require(slice_equal(buf_slice(&packed), buf_slice(&again)));
    }
    buf_finish(&packed);
    buf_finish(&json);
    buf_finish(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    from_msgpack(slice_make(data, size));
    from_json(slice_make(data, size));
    return 0;
}

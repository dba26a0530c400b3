#include "payload.h"

#include "wire/json.h"
#include "wire/wire.h"

#define INPUT_MAX (64u * 1024 * 1024)

int payload_read(const struct cli *cli, const char *json, struct buf *msgpack)
{
    struct buf input = {0};
    struct json_error why = {""};
    struct slice text = slice_of(json ? json : "{}");
    int code = EXIT_OK;
    if (slice_is(text, "-")) {
        code = cli_read_file(cli, "-", INPUT_MAX, &input);
        text = buf_slice(&input);
    }
    if (code == EXIT_OK && msgpack_from_json(msgpack, text, &why) != 0)
        code = cli_fail(cli, EXIT_BAD_INPUT, "not JSON: %s", why.text);
    if (code == EXIT_OK && msgpack->len > WIRE_PAYLOAD_MAX)
        code = cli_fail(cli, EXIT_BAD_INPUT, "too large: %zu bytes of MessagePack, at most %u",
                        msgpack->len, WIRE_PAYLOAD_MAX);
    buf_finish(&input);
    return code;
}

/* A type without parameters: "application/json; charset=utf-8" is JSON. */
static bool is_type(const char *content_type, const char *type)
{
    size_t len = strlen(type);
    return strncmp(content_type, type, len) == 0 && strchr("; ", content_type[len]);
}

static bool try_json(struct buf *out, fbx_bytes payload)
{
    struct buf msgpack = {0};
    bool fine = msgpack_from_json(&msgpack, slice_make(payload.data, payload.len), NULL) == 0 &&
                json_from_msgpack(out, buf_slice(&msgpack), NULL) == 0;
    buf_finish(&msgpack);
    return fine;
}

static void as_base64(struct buf *out, fbx_bytes payload)
{
    fbx_writer w = {0};
    fbx_write_bin(&w, payload);
    fbx_bytes bin = fbx_written(&w);
    (void)json_from_msgpack(out, slice_make(bin.data, bin.len), NULL);
    fbx_writer_free(&w);
}

void payload_to_json(struct buf *out, fbx_bytes payload, const char *content_type)
{
    bool msgpack = !content_type || !*content_type || is_type(content_type, "application/msgpack");
    struct slice bytes = slice_make(payload.data, payload.len);
    if (msgpack && json_from_msgpack(out, bytes, NULL) == 0)
        return;
    if (!msgpack && is_type(content_type, "application/json") && try_json(out, payload))
        return;
    as_base64(out, payload);
}

#include "ask.h"
#include "human.h"
#include "payload.h"
#include "wait.h"

#define FOR_EVER_MS UINT32_MAX /* the broker lets a tap last until it is cancelled */
#define WAITING_MAX (16u * 1024 * 1024)

static const struct opt options[] = {
    {.name = "service", .kind = OPT_TEXT, .value = "NAME", .help = "only calls to this service"},
    {.name = "tenant", .kind = OPT_TEXT, .value = "TENANT", .help = "only this tenant's traffic"},
    {.name = "topic", .kind = OPT_TEXT, .value = "PATTERN", .help = "only events it matches"},
    {.name = "payloads", .kind = OPT_FLAG, .help = "show what the calls and events carry"},
    {.name = "count", .kind = OPT_COUNT, .value = "N", .help = "end after this many"},
    {.name = "timeout", .kind = OPT_TIME, .value = "TIME", .help = "end after this long"},
    {0},
};

struct tap {
    struct ask ask; /* first: the library's thread knows the tap by it */
    const struct cli *cli;
    struct lines lines;
    struct buf line; /* library's thread only */
};

static void put_text(struct buf *line, const fbx_value *tapped, const char *key)
{
    fbx_value value = fbx_map_get(tapped, key);
    bool text = value.type == FBX_TEXT && value.as.bytes.len;
    human_text(line, text ? slice_make(value.as.bytes.data, value.as.bytes.len) : slice_of("-"));
    buf_printf(line, "  ");
}

static uint64_t number(const fbx_value *tapped, const char *key)
{
    fbx_value value = fbx_map_get(tapped, key);
    return value.type == FBX_UINT ? value.as.natural : 0;
}

static void put_call(struct buf *line, const fbx_value *tapped)
{
    put_text(line, tapped, "service");
    line->len -= 2;
    buf_printf(line, ".");
    put_text(line, tapped, "method");
    put_text(line, tapped, "status");
    human_micros(line, number(tapped, "duration_us"));
    buf_printf(line, "  ");
}

/* Its bytes, if they are MessagePack, as JSON. */
static void put_payload(struct buf *line, const fbx_value *tapped)
{
    fbx_value payload = fbx_map_get(tapped, "payload");
    struct buf json = {0};
    if (payload.type == FBX_BIN) {
        payload_to_json(&json, payload.as.bytes, NULL);
        buf_printf(line, "  ");
        human_text(line, buf_slice(&json));
    }
    buf_finish(&json);
}

static void put_tapped(struct buf *line, const fbx_value *tapped)
{
    fbx_value kind = fbx_map_get(tapped, "kind");
    bool call = kind.type == FBX_TEXT &&
                slice_is(slice_make(kind.as.bytes.data, kind.as.bytes.len), "call");
    human_clock(line, number(tapped, "at_ms"));
    buf_printf(line, "  ");
    put_text(line, tapped, "kind");
    put_text(line, tapped, "tenant");
    put_text(line, tapped, "user");
    if (call)
        put_call(line, tapped);
    else
        put_text(line, tapped, "topic");
    human_bytes(line, number(tapped, "bytes_in"));
    buf_printf(line, " in, ");
    human_bytes(line, number(tapped, "bytes_out"));
    buf_printf(line, " out");
    put_payload(line, tapped);
}

static void on_part(struct ask *ask, fbx_bytes part)
{
    struct tap *tap = (struct tap *)(void *)ask;
    fbx_value tapped;
    tap->line.len = 0;
    if (tap->cli->json)
        payload_to_json(&tap->line, part, NULL);
    else if (fbx_read(part, &tapped))
        put_tapped(&tap->line, &tapped);
    /* a tap is a look, not a record: what a slow reader cannot take is gone */
    (void)lines_add(&tap->lines, buf_slice(&tap->line));
}

static void write_request(fbx_writer *w, const struct args *args)
{
    static const char *const fields[] = {"service", "tenant", "topic"};
    fbx_write_map(w, 4);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        fbx_write_text(w, fields[i]);
        fbx_write_text(w, args_text(args, fields[i], ""));
    }
    fbx_write_text(w, "payloads");
    fbx_write_bool(w, args_has(args, "payloads"));
}

static int watch_traffic(struct tap *tap, const struct args *args)
{
    fbx_writer request = {0};
    fbx_reply *reply;
    write_request(&request, args);
    tap->ask = (struct ask){
        .service = "bus.tap",
        .method = "watch",
        .payload = fbx_written(&request),
        .options = {.timeout_ms = FOR_EVER_MS},
        .on_part = on_part,
        .lines = &tap->lines,
        .until = wait_until(args_number(args, "timeout", WAIT_FOR_EVER)),
        .lasting = true,
    };
    int code = ask_run(tap->cli, &tap->ask, &reply);
    if (code == EXIT_OK && wait_left(tap->ask.until) == 0)
        code = lines_judge(&tap->lines, tap->cli);
    fbx_reply_free(reply);
    fbx_writer_free(&request);
    return code;
}

static int run(struct cli *cli, const struct args *args)
{
    struct tap tap = {.cli = cli};
    int code = cli_connect(cli, args);
    if (code)
        return code;
    lines_init(&tap.lines, WAITING_MAX, args_number(args, "count", UINT64_MAX));
    code = watch_traffic(&tap, args);
    lines_finish(&tap.lines);
    buf_finish(&tap.line);
    return code;
}

const struct command command_tap = {
    .noun = "tap",
    .arguments = "",
    .summary = "watch calls and events go by",
    .about = "Needs admin:tap. Each finished call and each event is a line. Payloads may be "
             "private: they are only shown on request.",
    .options = options,
    .run = run,
};

#include "ask.h"
#include "view.h"
#include "wait.h"

#define LEASE_MS 30000u
#define RENEWALS 3u /* in each lease: two may be lost */

static const struct opt options[] = {
    {.name = "lease",
     .kind = OPT_TIME,
     .value = "TIME",
     .help = "how long the feed outlives an inspector that was killed; 30 s"},
    {0},
};

static int open_feed(const struct cli *cli, const struct args *args, uint64_t lease,
                     fbx_reply **reply)
{
    fbx_writer request = {0};
    fbx_write_map(&request, 2);
    fbx_write_text(&request, "pattern");
    fbx_write_text(&request, args_word(args, 0));
    fbx_write_text(&request, "lease_ms");
    fbx_write_uint(&request, lease);
    int code = ask_broker(cli, "bus.feed", "open", &request, reply);
    fbx_writer_free(&request);
    return code;
}

struct feed {
    char id[128], url[256];
    uint64_t lease_ms;
};

static bool read_feed(const fbx_reply *reply, struct feed *feed)
{
    fbx_value map, field;
    if (!fbx_read(fbx_reply_payload(reply), &map))
        return false;
    field = fbx_map_get(&map, "lease_ms");
    feed->lease_ms = (uint64_t)fbx_as_int(&field, LEASE_MS);
    field = fbx_map_get(&map, "id");
    if (!fbx_as_text(&field, feed->id, sizeof feed->id))
        return false;
    field = fbx_map_get(&map, "url");
    return fbx_as_text(&field, feed->url, sizeof feed->url);
}

static int renew(const struct cli *cli, const struct feed *feed)
{
    fbx_writer request = {0};
    fbx_reply *reply;
    fbx_write_map(&request, 1);
    fbx_write_text(&request, "id");
    fbx_write_text(&request, feed->id);
    int code = ask_broker(cli, "bus.feed", "renew", &request, &reply);
    fbx_reply_free(reply);
    fbx_writer_free(&request);
    return code;
}

static int print_feed(const struct cli *cli, const fbx_reply *reply, const struct feed *feed)
{
    struct buf line = {0};
    if (cli->json)
        view_json(&line, reply);
    else
        buf_printf(&line, "%s\n", feed->url);
    int code = cli_write(cli, buf_slice(&line));
    buf_finish(&line);
    return code;
}

/* Its end needs no word: the feed closes with the session. */
static int keep_open(const struct cli *cli, const struct feed *feed)
{
    for (;;) {
        enum wait_end end = wait_ms(feed->lease_ms / RENEWALS);
        if (end == WAIT_INTERRUPTED || end == WAIT_DEAF)
            return end == WAIT_DEAF ? EXIT_OK : EXIT_INTERRUPTED;
        int code = end == WAIT_TIMEOUT ? renew(cli, feed) : EXIT_OK;
        if (code)
            return code;
    }
}

static int run(struct cli *cli, const struct args *args)
{
    fbx_reply *reply = NULL;
    struct feed feed = {.lease_ms = LEASE_MS};
    int code = cli_connect(cli, args);
    if (code == EXIT_OK)
        code = open_feed(cli, args, args_number(args, "lease", LEASE_MS), &reply);
    if (!reply)
        return code;
    code = read_feed(reply, &feed)
               ? print_feed(cli, reply, &feed)
               : cli_fail(cli, EXIT_UNCERTAIN, "the broker's answer makes no sense");
    fbx_reply_free(reply);
    return code ? code : keep_open(cli, &feed);
}

const struct command command_feed_open = {
    .noun = "feed",
    .verb = "open",
    .arguments = "PATTERN",
    .summary = "open a feed for plain nng subscribers",
    .about = "Prints the URL of a PUB socket that carries what the pattern matches, and keeps it "
             "open until interrupted or until nobody reads this output: nngcat --sub --dial URL "
             "--ascii shows it.",
    .options = options,
    .run = run,
};

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
    {.name = "timeout", .kind = OPT_TIME, .value = "TIME", .help = "end after this long"},
    {0},
};

static int open_feed(const struct cli *cli, const struct args *args, fbx_reply **reply)
{
    fbx_writer request = {0};
    fbx_write_map(&request, 2);
    fbx_write_text(&request, "pattern");
    fbx_write_text(&request, args_word(args, 0));
    fbx_write_text(&request, "lease_ms");
    fbx_write_uint(&request, args_number(args, "lease", LEASE_MS));
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

/* Opens it and says where; the URL is the one line of output. */
static int open_and_print(const struct cli *cli, const struct args *args, struct feed *feed)
{
    struct buf line = {0};
    fbx_reply *reply;
    int code = open_feed(cli, args, &reply);
    if (!reply)
        return code;
    if (!read_feed(reply, feed))
        code = cli_fail(cli, EXIT_UNCERTAIN, "the broker's answer makes no sense");
    else if (cli->json)
        view_json(&line, reply);
    else
        buf_printf(&line, "%s\n", feed->url);
    if (code == EXIT_OK)
        code = cli_write(cli, buf_slice(&line));
    fbx_reply_free(reply);
    buf_finish(&line);
    return code;
}

/* NULL `*reply`: interrupted, or worse. */
static int renew(const struct cli *cli, const struct feed *feed, fbx_reply **reply)
{
    fbx_writer request = {0};
    fbx_write_map(&request, 1);
    fbx_write_text(&request, "id");
    fbx_write_text(&request, feed->id);
    int code = ask_broker_any(cli, "bus.feed", "renew", &request, reply);
    fbx_writer_free(&request);
    return code;
}

/* What the broker says of the lease decides: it knows the feed, it has forgotten it (a new broker,
 * or one that missed us for too long), or it is not there to be asked, which the next turn may
 * change. */
static int tend(const struct cli *cli, const struct args *args, struct feed *feed)
{
    fbx_reply *reply;
    int code = renew(cli, feed, &reply);
    int status = reply ? fbx_reply_status(reply) : FBX_OK;
    if (status == FBX_INVALID_ARGUMENT) {
        cli_note(cli, "the feed is gone; subscribers must dial the new one");
        code = open_and_print(cli, args, feed);
    } else if (exits_of(status) != EXIT_OK && exits_of(status) != EXIT_NOBODY &&
               status != FBX_OUTCOME_UNKNOWN) {
        code = cli_fail_reply(cli, reply);
    }
    fbx_reply_free(reply);
    return code;
}

/* Its end needs no word: the feed closes with the session. */
static int keep_open(const struct cli *cli, const struct args *args, struct feed *feed)
{
    unsigned returns = atomic_load(&cli->returns);
    uint64_t until = wait_until(args_number(args, "timeout", WAIT_FOR_EVER));
    for (uint64_t left; (left = wait_left(until)) > 0;) {
        uint64_t pause = feed->lease_ms / RENEWALS;
        enum wait_end end = wait_ms(left < pause ? left : pause);
        unsigned returned = atomic_load(&cli->returns);
        if (end == WAIT_INTERRUPTED || end == WAIT_DEAF)
            return end == WAIT_DEAF ? EXIT_OK : EXIT_INTERRUPTED;
        bool due = end == WAIT_TIMEOUT || returned != returns;
        int code = due ? tend(cli, args, feed) : EXIT_OK;
        if (code)
            return code;
        returns = returned;
    }
    return EXIT_OK;
}

static int run(struct cli *cli, const struct args *args)
{
    struct feed feed = {.lease_ms = LEASE_MS};
    int code = cli_connect(cli, args);
    if (code == EXIT_OK)
        code = open_and_print(cli, args, &feed);
    return code || !*feed.url ? code : keep_open(cli, args, &feed);
}

const struct command command_feed_open = {
    .noun = "feed",
    .verb = "open",
    .arguments = "PATTERN",
    .summary = "open a feed for plain nng subscribers",
    .about = "Prints the URL of a PUB socket that carries what the pattern matches, and keeps it "
             "open until interrupted or until nobody reads this output: nngcat --sub --dial URL "
             "--quoted shows it. When the broker restarts, another URL is printed.",
    .options = options,
    .run = run,
};

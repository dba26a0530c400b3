#include "inquiry.h"

#include "ask.h"
#include "base/clock.h"
#include "copy.h"
#include "human.h"
#include "pages.h"
#include "view.h"
#include "wait.h"

#include <sys/ioctl.h>
#include <unistd.h>

#define INTERVAL_MS 2000u

/* Lines that fit above the last one, which stays empty so that nothing scrolls. */
static unsigned screen_lines(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row < 3)
        return 24;
    return size.ws_row - 1u;
}

/* Overwrites line by line instead of clearing first, which would flicker; long lines are cut by the
 * terminal, not wrapped. */
static void draw(struct buf *screen, struct slice text)
{
    unsigned left = screen_lines();
    buf_printf(screen, "\033[?7l\033[H");
    while (text.len > 0 && left-- > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.len);
        size_t len = end ? (size_t)(end - text.data) : text.len;
        buf_printf(screen, "%.*s\033[K\n", (int)len, (const char *)text.data);
        len += end != NULL;
        text = slice_make(text.data + len, text.len - len);
    }
    buf_printf(screen, "\033[J\033[?7h");
}

static void put_title(struct buf *out, const struct args *args, uint64_t interval)
{
    buf_printf(out, "farebox %s, every ", args->noun);
    human_span(out, interval);
    buf_printf(out, ", ");
    human_clock(out, clock_now().unix_ms);
    buf_printf(out, "\n\n");
}

static int write_view(const struct cli *cli, const struct buf *view, bool full_screen)
{
    struct buf screen = {0};
    if (!full_screen)
        return cli_write(cli, buf_slice(view));
    draw(&screen, buf_slice(view));
    int code = cli_write(cli, buf_slice(&screen));
    buf_finish(&screen);
    return code;
}

/* A broker that restarts, or a service that is busy, is what one may be watching for. */
static bool may_pass(int code)
{
    return code == EXIT_OK || code == EXIT_NOBODY || code == EXIT_TEMPORARY ||
           code == EXIT_UNCERTAIN;
}

static void write_page_request(fbx_writer *w, const fbx_value *after)
{
    bool first = after->type != FBX_TEXT;
    fbx_write_map(w, first ? 0 : 1);
    if (first)
        return;
    fbx_write_text(w, "after");
    fbx_write_value(w, after);
}

/* `*after` is of the page that it asks for, and becomes that of the next. */
static int ask_page(const struct cli *cli, const struct inquiry *inquiry, struct pages *pages,
                    fbx_value *after)
{
    fbx_writer request = {0};
    fbx_reply *reply;
    fbx_value answer;
    write_page_request(&request, after);
    int code = ask_broker(cli, inquiry->service, inquiry->method, &request, &reply);
    fbx_writer_free(&request);
    *after = (fbx_value){0};
    if (!reply)
        return code;
    pages_add(pages, reply);
    if (fbx_read(fbx_reply_payload(reply), &answer))
        *after = fbx_map_get(&answer, "next");
    return code;
}

static void show_whole(const struct cli *cli, const struct inquiry *inquiry, const char *key,
                       const struct pages *pages, struct buf *out)
{
    fbx_writer whole = {0};
    fbx_value answer;
    fbx_write_map(&whole, 1);
    fbx_write_text(&whole, key);
    pages_write(&whole, pages, key);
    bool whole_is_read = fbx_read(fbx_written(&whole), &answer);
    if (whole_is_read && cli->json) {
        copy_json(out, &answer);
        buf_append(out, "\n", 1);
    } else if (whole_is_read) {
        inquiry->show(out, cli, &answer);
    }
    fbx_writer_free(&whole);
}

static int look_through(const struct cli *cli, const struct inquiry *inquiry, const char *key,
                        struct buf *out)
{
    struct pages pages = {0};
    fbx_value after = {0};
    int code;
    do
        code = ask_page(cli, inquiry, &pages, &after);
    while (code == EXIT_OK && after.type == FBX_TEXT);
    if (code == EXIT_OK && pages.n > 0)
        show_whole(cli, inquiry, key, &pages, out);
    pages_free(&pages);
    return code;
}

/* Asks once, and appends what is to be seen. */
static int look(const struct cli *cli, const struct args *args, const struct inquiry *inquiry,
                const char *pages, struct buf *out)
{
    fbx_writer request = {0};
    fbx_reply *reply;
    fbx_value answer;
    if (pages)
        return look_through(cli, inquiry, pages, out);
    if (inquiry->ask)
        inquiry->ask(&request, args);
    else
        fbx_write_map(&request, 0);
    int code = ask_broker(cli, inquiry->service, inquiry->method, &request, &reply);
    fbx_writer_free(&request);
    if (!reply)
        return code;
    if (cli->json && inquiry->show)
        view_json(out, reply);
    else if (inquiry->show && fbx_read(fbx_reply_payload(reply), &answer))
        inquiry->show(out, cli, &answer);
    fbx_reply_free(reply);
    return code;
}

static int repeat(const struct cli *cli, const struct args *args, const struct inquiry *inquiry,
                  const char *pages)
{
    uint64_t interval = args_number(args, "watch", INTERVAL_MS);
    bool full_screen = !cli->json && isatty(STDOUT_FILENO);
    struct buf view = {0};
    int code;
    wait_arm();
    for (;;) {
        view.len = 0;
        if (full_screen)
            put_title(&view, args, interval);
        code = look(cli, args, inquiry, pages, &view);
        if (code == EXIT_OK)
            code = write_view(cli, &view, full_screen);
        if (!may_pass(code))
            break;
        enum wait_end end = wait_ms(interval);
        if (end == WAIT_INTERRUPTED || end == WAIT_DEAF) {
            code = end == WAIT_DEAF ? EXIT_OK : EXIT_INTERRUPTED;
            break;
        }
    }
    buf_finish(&view);
    return code;
}

int inquiry_run_pages(struct cli *cli, const struct args *args, const struct inquiry *inquiry,
                      const char *pages)
{
    struct buf view = {0};
    int code = cli_connect(cli, args);
    if (code)
        return code;
    if (args_has(args, "watch"))
        return repeat(cli, args, inquiry, pages);
    code = look(cli, args, inquiry, pages, &view);
    if (code == EXIT_OK)
        code = cli_write(cli, buf_slice(&view));
    buf_finish(&view);
    return code;
}

int inquiry_run(struct cli *cli, const struct args *args, const struct inquiry *inquiry)
{
    return inquiry_run_pages(cli, args, inquiry, NULL);
}

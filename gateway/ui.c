#include "ui.h"

#include "base/file.h"
#include "exchange.h"
#include "problem.h"

#include <inttypes.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAME_BYTES 32u
#define PATH_BYTES 4300u /* a folder of the settings, and a name */
#define ETAG_BYTES 40u
#define FILE_BYTES_MAX (4u * 1024u * 1024u)
#define BESIDE "/../share/farebox/ui"
#define PAGE "index.html"
#define CHART "chart.js"

#define HTML "text/html; charset=utf-8"
#define CSS "text/css; charset=utf-8"
#define SCRIPT "text/javascript; charset=utf-8"

/* Nothing of other origins, nothing inline, in nobody's frame; forms are sent by the script. */
#define POLICY "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

static const struct ui_file {
    const char *name, *type;
} files[] = {
    {PAGE, HTML},           {"dashboard.css", CSS},  {"icon.svg", "image/svg+xml"},
    {CHART, SCRIPT},        {"main.js", SCRIPT},     {"gateway.js", SCRIPT},
    {"events.js", SCRIPT},  {"poller.js", SCRIPT},   {"dom.js", SCRIPT},
    {"charts.js", SCRIPT},  {"format.js", SCRIPT},   {"panel.js", SCRIPT},
    {"traffic.js", SCRIPT}, {"services.js", SCRIPT}, {"breakers.js", SCRIPT},
    {"limits.js", SCRIPT},  {"usage.js", SCRIPT},    {"tail.js", SCRIPT},
    {"session.js", SCRIPT},
};

static const struct ui_file *find(const char *name)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (strcmp(files[i].name, name) == 0)
            return &files[i];
    return NULL;
}

/* ---- where it is ---- */

/* False: nowhere. */
static bool folder_beside_program(char out[PATH_BYTES])
{
    ssize_t len = readlink("/proc/self/exe", out, PATH_BYTES - sizeof BESIDE);
    if (len <= 0)
        return false;
    out[len] = '\0';
    char *slash = strrchr(out, '/');
    if (!slash)
        return false;
    memcpy(slash, BESIDE, sizeof BESIDE);
    return true;
}

static bool path_of(char out[PATH_BYTES], const struct gateway_settings *s, const char *name)
{
    char folder[PATH_BYTES];
    int len;
    if (strcmp(name, CHART) == 0)
        len = snprintf(out, PATH_BYTES, "%s", s->chart_js);
    else if (*s->ui_dir)
        len = snprintf(out, PATH_BYTES, "%s/%s", s->ui_dir, name);
    else
        len = folder_beside_program(folder) ? snprintf(out, PATH_BYTES, "%s/%s", folder, name) : -1;
    return len > 0 && len < (int)PATH_BYTES;
}

/* ---- the answer ---- */

static void tag_of(char out[ETAG_BYTES], const struct stat *is)
{
    (void)snprintf(out, ETAG_BYTES, "\"%" PRIx64 "-%lx-%" PRIx64 "\"", (uint64_t)is->st_mtim.tv_sec,
                   (unsigned long)is->st_mtim.tv_nsec, (uint64_t)is->st_size);
}

static void add_headers(struct answer *answer, const char *tag)
{
    answer_header(answer, "Content-Security-Policy", POLICY);
    answer_header(answer, "X-Content-Type-Options", "nosniff");
    answer_header(answer, "Referrer-Policy", "no-referrer");
    answer_header(answer, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache"); /* asks, by its tag */
    answer_header(answer, MHD_HTTP_HEADER_ETAG, tag);
}

static void not_found(struct exchange *x, const char *why)
{
    problem_of_http(&x->answer, MHD_HTTP_NOT_FOUND, "not_found", why);
}

/* A file that is replaced meanwhile has another tag the next time. */
static void answer_file(struct exchange *x, const struct ui_file *file, int fd,
                        const struct stat *is)
{
    char tag[ETAG_BYTES];
    const char *known = exchange_header(x, MHD_HTTP_HEADER_IF_NONE_MATCH);
    tag_of(tag, is);
    if (known && strstr(known, tag)) {
        x->answer.http = MHD_HTTP_NOT_MODIFIED;
    } else if (file_read_fd(&x->answer.body, fd, FILE_BYTES_MAX) < 0) {
        not_found(x, "this file of the dashboard cannot be read");
        return;
    } else {
        x->answer.http = MHD_HTTP_OK;
        x->answer.content_type = file->type;
    }
    add_headers(&x->answer, tag);
}

void ui_handle(struct exchange *x)
{
    char name[NAME_BYTES] = PAGE, path[PATH_BYTES];
    struct stat is;
    const struct ui_file *file =
        x->match.n == 0 || exchange_param(x, 0, name, sizeof name) ? find(name) : NULL;
    if (!file) {
        not_found(x, "nothing is at this path");
        return;
    }
    int fd = path_of(path, &x->gateway->settings, file->name)
                 ? file_open_regular(path, FILE_BYTES_MAX, &is)
                 : -1;
    if (fd < 0) {
        not_found(x, "this file of the dashboard is not installed");
        return;
    }
    answer_file(x, file, fd, &is);
    (void)close(fd);
}

/* The service that knows the market's past: bars of indexes and stocks. */
#include "module/module.h"

#include "base/buf.h"
#include "base/mem.h"
#include "common/arguments.h"
#include "common/date.h"
#include "files.h"
#include "packing.h"
#include "replay.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#define SYMBOL_TEXT_MAX 64u

struct data_bridge {
    struct market market;
    struct packed_rows *packed; /* of each series */
    struct replays *replays;
};

/* ---- what most methods are asked ---- */

struct question {
    struct arguments arguments;
    const struct series *series; /* NULL once something is wrong */
    struct bars_range range;
};

static void read_symbol(struct question *question, const struct data_bridge *bridge)
{
    char symbol[SYMBOL_TEXT_MAX] = "";
    arguments_text(&question->arguments, "symbol", symbol, sizeof symbol);
    question->series = market_find(&bridge->market, slice_of(symbol));
    if (!question->series)
        arguments_refuse(&question->arguments, "symbol: no such symbol; see data-bridge symbols");
}

static void read_range(struct question *question)
{
    int32_t from = DATE_FIRST, to = DATE_LAST;
    arguments_date(&question->arguments, "from", &from);
    arguments_date(&question->arguments, "to", &to);
    if (from > to)
        arguments_refuse(&question->arguments, "from: later than to");
    if (question->series)
        question->range = series_between(question->series, from, to);
}

static void write_series(fbx_writer *w, const struct series *series)
{
    fbx_write_text(w, "symbol");
    fbx_write_text(w, series->symbol);
    fbx_write_text(w, "interval");
    fbx_write_text(w, packing_interval(series->interval));
}

static void respond_written(fbx_request *request, fbx_writer *w)
{
    fbx_respond(request, fbx_written(w), NULL);
    fbx_writer_free(w);
}

/* ---- methods ---- */

static void write_description(fbx_writer *w, const struct series *series)
{
    fbx_write_map(w, 6);
    write_series(w, series);
    fbx_write_text(w, "name");
    fbx_write_text(w, series->name ? series->name : series->symbol);
    fbx_write_text(w, "from");
    packing_write_day(w, series->bars[0].day);
    fbx_write_text(w, "to");
    packing_write_day(w, series->bars[series->count - 1].day);
    fbx_write_text(w, "bars");
    fbx_write_uint(w, series->count);
}

static void symbols(struct data_bridge *bridge, fbx_request *request)
{
    static const char *const known[] = {NULL};
    struct arguments arguments;
    arguments_read(&arguments, request, known);
    if (arguments_refused(&arguments, request))
        return;
    fbx_writer w = {0};
    fbx_write_map(&w, 1);
    fbx_write_text(&w, "symbols");
    fbx_write_array(&w, (uint32_t)bridge->market.count);
    for (size_t i = 0; i < bridge->market.count; i++)
        write_description(&w, &bridge->market.series[i]);
    respond_written(request, &w);
}

static void respond_history(fbx_request *request, const struct question *question,
                            const struct packed_rows *packed)
{
    fbx_writer head = {0};
    fbx_write_map(&head, 4);
    write_series(&head, question->series);
    fbx_write_text(&head, "fields");
    packing_write_fields(&head, question->series);
    fbx_write_text(&head, "bars");
    fbx_write_array(&head, (uint32_t)question->range.count);
    struct slice rows = packed_rows_in(packed, question->range);
    struct buf payload = {0};
    (void)buf_reserve(&payload, head.len + rows.len);
    buf_append(&payload, head.data, head.len);
    buf_append(&payload, rows.data, rows.len);
    fbx_respond(request, (fbx_bytes){payload.data, payload.len}, NULL);
    buf_finish(&payload);
    fbx_writer_free(&head);
}

static void history(struct data_bridge *bridge, fbx_request *request)
{
    static const char *const known[] = {"symbol", "from", "to", NULL};
    struct question question = {0};
    arguments_read(&question.arguments, request, known);
    read_symbol(&question, bridge);
    read_range(&question);
    if (!arguments_refused(&question.arguments, request))
        respond_history(request, &question,
                        &bridge->packed[question.series - bridge->market.series]);
}

static const struct bar *read_moment(struct question *question)
{
    int32_t day = DATE_LAST;
    arguments_date(&question->arguments, "date", &day);
    const struct bar *bar = question->series ? series_at(question->series, day) : NULL;
    if (!bar)
        arguments_refuse(&question->arguments, "date: before the first bar");
    return bar;
}

static void quote(struct data_bridge *bridge, fbx_request *request)
{
    static const char *const known[] = {"symbol", "date", NULL};
    struct question question = {0};
    arguments_read(&question.arguments, request, known);
    read_symbol(&question, bridge);
    const struct bar *bar = read_moment(&question);
    if (arguments_refused(&question.arguments, request))
        return;
    fbx_writer w = {0};
    fbx_write_map(&w, 2 + packing_fields(question.series));
    write_series(&w, question.series);
    packing_write_pairs(&w, question.series, bar);
    respond_written(request, &w);
}

static void replay(struct data_bridge *bridge, fbx_request *request)
{
    static const char *const known[] = {"symbol", "from", "to", "speed", NULL};
    struct question question = {0};
    double speed = 1;
    arguments_read(&question.arguments, request, known);
    read_symbol(&question, bridge);
    read_range(&question);
    arguments_number(&question.arguments, "speed", 0, REPLAY_SPEED_MAX, &speed);
    if (question.series && question.range.count == 0)
        arguments_refuse(&question.arguments, "from, to: no bars in this range");
    if (arguments_refused(&question.arguments, request))
        return;
    const struct replay_plan plan = {question.series, question.range, speed};
    replays_start(bridge->replays, request, &plan);
}

static void stop_replay(struct data_bridge *bridge, fbx_request *request)
{
    static const char *const known[] = {"replay", NULL};
    struct arguments arguments;
    char id[REPLAY_ID_SIZE] = "";
    const char *tenant = fbx_context_tenant(fbx_request_context(request));
    arguments_read(&arguments, request, known);
    arguments_text(&arguments, "replay", id, sizeof id);
    if (!replays_stop(bridge->replays, tenant, id))
        arguments_refuse(&arguments, "replay: none of this name is running");
    if (arguments_refused(&arguments, request))
        return;
    fbx_writer w = {0};
    fbx_write_map(&w, 1);
    fbx_write_text(&w, "replay");
    fbx_write_text(&w, id);
    respond_written(request, &w);
}

static const struct method {
    const char *name;
    void (*run)(struct data_bridge *bridge, fbx_request *request);
} methods[] = {{"symbols", symbols},
               {"history", history},
               {"quote", quote},
               {"replay", replay},
               {"stop", stop_replay}};

static void handle(void *arg, fbx_request *request)
{
    const char *name = fbx_request_method(request);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(methods[i].name, name) == 0) {
            methods[i].run(arg, request);
            return;
        }
    fbx_respond_status(request, FBX_METHOD_NOT_FOUND,
                       "symbols, history, quote, replay and stop are known");
}

/* ---- the module ---- */

static void stop(void *instance)
{
    struct data_bridge *bridge = instance;
    for (size_t i = 0; bridge->packed && i < bridge->market.count; i++)
        packed_rows_finish(&bridge->packed[i]);
    mem_free(bridge->packed);
    market_finish(&bridge->market);
    replays_destroy(bridge->replays);
    mem_free(bridge);
}

static void drain(void *instance)
{
    struct data_bridge *bridge = instance;
    replays_close(bridge->replays);
}

/* Beside the modules, in the build tree as under an installation's prefix. */
static int load(struct data_bridge *bridge, const struct module_env *env, struct module_error *why)
{
    char beside[PATH_MAX];
    struct bars_error wrong;
    (void)snprintf(beside, sizeof beside, "%s/../../share/farebox/data", env->directory);
    int rc = market_load(&bridge->market, module_setting(env, "data", beside), &wrong);
    if (rc < 0)
        (void)snprintf(why->text, sizeof why->text, "%s", wrong.text);
    return rc;
}

static void pack(struct data_bridge *bridge)
{
    bridge->packed = mem_zalloc(bridge->market.count * sizeof *bridge->packed);
    for (size_t i = 0; i < bridge->market.count; i++)
        packed_rows_init(&bridge->packed[i], &bridge->market.series[i]);
}

static int start(void **instance, const struct module_env *env, struct module_error *why)
{
    static const char *const names[] = {"symbols", "history", "quote", "replay", "stop", NULL};
    struct data_bridge *bridge = mem_zalloc(sizeof *bridge);
    bridge->replays = replays_create();
    *instance = bridge;
    int rc = load(bridge, env, why);
    if (rc < 0)
        return rc;
    pack(bridge);
    const fbx_service service = {
        .name = "data-bridge",
        .version = FBX_VERSION,
        .methods = names,
        .on_io_thread = true,
        .handler = handle,
        .arg = bridge,
    };
    return env->serve(env, &service, why);
}

static const char *const settings[] = {"data", NULL};

const struct farebox_module farebox_module = {
    .abi = MODULE_ABI,
    .name = "data-bridge",
    .version = FBX_VERSION,
    .settings = settings,
    .start = start,
    .drain = drain,
    .stop = stop,
};

/* The service that judges a price history, which it asks data-bridge for in its
 * caller's name. */
#include "module/module.h"

#include "common/arguments.h"
#include "common/date.h"
#include "performance.h"
#include "prices.h"

#include <math.h>

/* ---- what is asked ---- */

struct question {
    char symbol[64], from[DATE_TEXT_SIZE], to[DATE_TEXT_SIZE];
    double risk_free_rate;
};

static void read_date(struct arguments *arguments, const char *key, char out[DATE_TEXT_SIZE])
{
    int32_t day = DATE_FIRST;
    arguments_date(arguments, key, &day);
    if (day != DATE_FIRST)
        date_print(day, out);
}

static bool read_question(struct question *question, fbx_request *request)
{
    static const char *const known[] = {"symbol", "from", "to", "risk_free_rate", NULL};
    struct arguments arguments;
    *question = (struct question){0};
    arguments_read(&arguments, request, known);
    arguments_text(&arguments, "symbol", question->symbol, sizeof question->symbol);
    read_date(&arguments, "from", question->from);
    read_date(&arguments, "to", question->to);
    arguments_number(&arguments, "risk_free_rate", -1, 1, &question->risk_free_rate);
    return !arguments_refused(&arguments, request);
}

/* ---- the prices ---- */

static void write_date_or_nil(fbx_writer *w, const char *date)
{
    if (date[0])
        fbx_write_text(w, date);
    else
        fbx_write_nil(w);
}

/* As fbx_call(). */
static int ask_for_history(fbx_request *request, const struct question *question, fbx_reply **out)
{
    const fbx_call_options options = {.parent = request, .idempotent = true};
    fbx_writer w = {0};
    fbx_write_map(&w, 3);
    fbx_write_text(&w, "symbol");
    fbx_write_text(&w, question->symbol);
    fbx_write_text(&w, "from");
    write_date_or_nil(&w, question->from);
    fbx_write_text(&w, "to");
    write_date_or_nil(&w, question->to);
    int rc = fbx_call(fbx_request_bus(request), "data-bridge", "history", fbx_written(&w), &options,
                      out);
    fbx_writer_free(&w);
    return rc;
}

/* ---- the answer ---- */

static void write_number(fbx_writer *w, const char *key, double value)
{
    fbx_write_text(w, key);
    if (isnan(value))
        fbx_write_nil(w);
    else
        fbx_write_double(w, value);
}

static void write_day(fbx_writer *w, const char *key, bool known, int32_t day)
{
    char text[DATE_TEXT_SIZE] = "";
    if (known)
        date_print(day, text);
    fbx_write_text(w, key);
    write_date_or_nil(w, text);
}

static void write_drawdown(fbx_writer *w, const struct drawdown *drawdown)
{
    bool fell = drawdown->depth > 0;
    fbx_write_text(w, "max_drawdown");
    fbx_write_map(w, 4);
    write_number(w, "depth", drawdown->depth);
    write_day(w, "peak", fell, drawdown->peak);
    write_day(w, "trough", fell, drawdown->trough);
    write_day(w, "recovery", drawdown->recovered, drawdown->recovery);
}

static void respond_report(fbx_request *request, const struct question *question,
                           const struct history *history)
{
    const struct prices *prices = &history->prices;
    struct performance figures;
    fbx_writer w = {0};
    performance_measure(&figures, prices, question->risk_free_rate);
    fbx_write_map(&w, 13);
    fbx_write_text(&w, "symbol");
    fbx_write_text(&w, history->symbol);
    fbx_write_text(&w, "interval");
    fbx_write_text(&w, history->interval);
    write_day(&w, "from", true, prices->days[0]);
    write_day(&w, "to", true, prices->days[prices->count - 1]);
    fbx_write_text(&w, "bars");
    fbx_write_uint(&w, prices->count);
    write_number(&w, "first_close", prices->closes[0]);
    write_number(&w, "last_close", prices->closes[prices->count - 1]);
    write_number(&w, "total_return", figures.total_return);
    write_number(&w, "annualised_return", figures.annualised_return);
    write_number(&w, "annualised_volatility", figures.annualised_volatility);
    write_number(&w, "risk_free_rate", question->risk_free_rate);
    write_number(&w, "sharpe_ratio", figures.sharpe_ratio);
    write_drawdown(&w, &figures.max_drawdown);
    fbx_respond(request, fbx_written(&w), NULL);
    fbx_writer_free(&w);
}

static void respond_from(fbx_request *request, const struct question *question, fbx_bytes payload)
{
    struct history history;
    if (history_read(&history, payload) < 0)
        fbx_respond_status(request, FBX_INTERNAL, "data-bridge sent no price history");
    else if (history.prices.count < 2)
        fbx_respond_status(request, FBX_INVALID_ARGUMENT,
                           "from, to: a report needs two bars at least");
    else
        respond_report(request, question, &history);
    history_finish(&history);
}

static void report(fbx_request *request)
{
    struct question question;
    fbx_reply *reply = NULL;
    if (!read_question(&question, request))
        return;
    int rc = ask_for_history(request, &question, &reply);
    if (rc < 0)
        fbx_respond_status(request, FBX_UNAVAILABLE, fbx_error_text(rc));
    else if (fbx_reply_status(reply) != FBX_OK)
        fbx_respond_status(request, fbx_reply_status(reply), fbx_reply_message(reply));
    else
        respond_from(request, &question, fbx_reply_payload(reply));
    fbx_reply_free(reply);
}

static void handle(void *arg, fbx_request *request)
{
    (void)arg;
    if (strcmp(fbx_request_method(request), "report") == 0)
        report(request);
    else
        fbx_respond_status(request, FBX_METHOD_NOT_FOUND, "report is known");
}

/* ---- the module ---- */

static int start(void **instance, const struct module_env *env, struct module_error *why)
{
    static const char *const methods[] = {"report", NULL};
    static const char *const requires[] = {"data-bridge", NULL};
    const fbx_service service = {
        .name = "performance-analytics",
        .version = FBX_VERSION,
        .methods = methods,
        .requires = requires,
        .handler = handle,
    };
    (void)instance;
    return env->serve(env, &service, why);
}

static void stop(void *instance)
{
    (void)instance;
}

const struct farebox_module farebox_module = {
    .abi = MODULE_ABI,
    .name = "performance-analytics",
    .version = FBX_VERSION,
    .start = start,
    .stop = stop,
};

/* What headers say, and what those say that make no sense. */
#include "../testing.h"

#include "../../gateway/framing.h"
#include "../../gateway/trace.h"

#define ID "0af7651916cd43dd8448eb211c80319c"
#define SPAN "b7ad6b7169203331"

static void a_trace_is_what_w3c_says(void **state)
{
    static const struct {
        const char *text;
        bool valid;
    } rows[] = {
        {"00-" ID "-" SPAN "-01", true},
        {"00-" ID "-" SPAN "-ff", true},
        {"cc-" ID "-" SPAN "-01", true},
        {"cc-" ID "-" SPAN "-01-later", true},
        {"cc-" ID "-" SPAN "-01later", false},
        {"00-" ID "-" SPAN "-01-later", false},
        {"ff-" ID "-" SPAN "-01", false},
        {"00-" ID "-" SPAN "-1", false},
        {"00-" ID "-" SPAN "-0g", false},
        {"00-" ID "-B7AD6B7169203331-01", false},
        {"00-00000000000000000000000000000000-" SPAN "-01", false},
        {"00-" ID "-0000000000000000-01", false},
        {"00-" ID "_" SPAN "-01", false},
        {"zz", false},
        {"", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (trace_valid(rows[i].text) != rows[i].valid)
            fail_msg("%s", rows[i].text);
}

static void a_stream_is_for_whom_it_is_no_worse(void **state)
{
    static const struct {
        const char *accept;
        enum framing framing;
    } rows[] = {
        {NULL, FRAMING_NONE},
        {"*/*", FRAMING_NONE},
        {"application/json", FRAMING_NONE},
        {"text/event-stream", FRAMING_EVENTS},
        {"Text/Event-Stream ; q=0.3", FRAMING_EVENTS},
        {"application/json, text/event-stream", FRAMING_EVENTS},
        {"application/x-ndjson", FRAMING_LINES},
        {"application/jsonl;charset=utf-8, */*;q=0.1", FRAMING_LINES},
        {"text/event-stream;q=0.5,application/x-ndjson", FRAMING_LINES},
        {"text/event-stream;q=0, application/json", FRAMING_NONE},
        {"text/event-stream;q=0.000", FRAMING_NONE},
        {"text/event-stream;q=0.5, application/json;q=0.9", FRAMING_NONE},
        {"text/event-streams", FRAMING_NONE},
        {"x/text/event-stream", FRAMING_NONE},
        {"application/json;x=\"text/event-stream\"", FRAMING_NONE},
        {"text/event-stream;q=-1e9", FRAMING_EVENTS},
        {"text/event-stream;q=nan", FRAMING_EVENTS},
        {",, ;q", FRAMING_NONE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (framing_accepted(rows[i].accept) != rows[i].framing)
            fail_msg("%s", rows[i].accept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trace_is_what_w3c_says),
        cmocka_unit_test(a_stream_is_for_whom_it_is_no_worse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

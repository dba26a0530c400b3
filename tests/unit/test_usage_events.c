/* Usage and credits as CloudEvents: what a billing system is given, and how it knows whose it is.
 */
#include "../testing.h"

#include "../../inspector/usage_events.h"
#include "base/mem.h"

#include <string.h>

static struct usage_events events = {.source = "bus"};

static int clean_up(void **state)
{
    (void)state;
    buf_finish(&events.out);
    events.out = (struct buf){0};
    return 0;
}

static void assert_prints(const char *wanted)
{
    buf_append(&events.out, "", 1);
    assert_string_equal((const char *)events.out.data, wanted);
}

static struct usage_sum row(const char *time, char *tenant, char *customer)
{
    static char ann[] = "ann", orders[] = "orders", get[] = "get";
    struct usage_sum sum = {.customer = customer, .figures = {4, 1, 10, 20, 300, 2}};
    sum.names[USAGE_TIME] = mem_strdup(time);
    sum.names[USAGE_TENANT] = tenant;
    sum.names[USAGE_USER] = ann;
    sum.names[USAGE_SERVICE] = orders;
    sum.names[USAGE_METHOD] = get;
    return sum;
}

#define EVENT(tenant)                                                                            \
    "{\"specversion\":\"1.0\",\"id\":\"2026-11-24T12/" tenant "/ann/orders/get\",\"source\":"    \
    "\"bus\",\"type\":\"farebox.usage\",\"time\":\"2026-11-24T12:00:00Z\",\"subject\":\"" tenant \
    "\",\"datacontenttype\":\"application/json\",\"data\":{\"tenant\":\"" tenant                 \
    "\",\"user\":\"ann\",\"service\":\"orders\",\"method\":\"get\","
#define FIGURES "\"calls\":4,\"errors\":1,\"bytes_in\":10,\"bytes_out\":20,\"duration_us\":300}}\n"

/* The id is the same with a customer and without: it is the same usage. */
static void a_customer_is_part_of_the_data(void **state)
{
    static char acme[] = "acme", globex[] = "globex", customer[] = "cus_7";
    struct usage_sum list[] = {
        row("2026-11-24T12", acme, customer), row("2026-11-24T12", globex, NULL),
        row("2026-11-24T13", acme, customer), row("2026-11-23", acme, customer)};
    struct usage_sums sums = {.list = list, .count = 4, .hour = "2026-11-24T13"};
    (void)state;
    assert_int_equal(usage_events_of_hours(&events, &sums), 1);
    assert_prints(EVENT("acme") "\"billing_customer\":\"cus_7\"," FIGURES EVENT("globex") FIGURES);
    for (size_t i = 0; i < sums.count; i++)
        mem_free(list[i].names[USAGE_TIME]);
}

static void write_pair(fbx_writer *w, const char *key, const char *value)
{
    fbx_write_text(w, key);
    fbx_write_text(w, value);
}

static void write_credit(fbx_writer *w, const char *id, const char *time)
{
    fbx_write_map(w, 5);
    write_pair(w, "id", id);
    write_pair(w, "time", time);
    write_pair(w, "tenant", "acme");
    fbx_write_text(w, "at_ms");
    fbx_write_uint(w, 1795528800000);
    write_pair(w, "billing_customer", "cus_7");
}

static void a_credit_says_its_customer_too(void **state)
{
    fbx_writer credits = {0};
    (void)state;
    fbx_write_array(&credits, 2);
    write_credit(&credits, "one", "2026-11-24T12");
    write_credit(&credits, "two", "2026-11-24T13");
    usage_events_of_credits(&events, &credits, "2026-11-24T13");
    fbx_writer_free(&credits);
    assert_prints("{\"specversion\":\"1.0\",\"id\":\"credit/acme/one\",\"source\":\"bus\",\"type\":"
                  "\"farebox.credit\",\"time\":\"2026-11-24T14:00:00Z\",\"subject\":\"acme\","
                  "\"datacontenttype\":\"application/json\",\"data\":{\"id\":\"one\",\"time\":"
                  "\"2026-11-24T12\",\"tenant\":\"acme\",\"at_ms\":1795528800000,"
                  "\"billing_customer\":\"cus_7\"}}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_customer_is_part_of_the_data, clean_up),
        cmocka_unit_test_teardown(a_credit_says_its_customer_too, clean_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

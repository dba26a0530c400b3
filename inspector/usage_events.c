#include "usage_events.h"

#include "base/mem.h"
#include "human.h"
#include "usage_asking.h"
#include "wire/json.h"

#include <stdio.h>
#include <string.h>

static void write_pair(fbx_writer *w, const char *key, const char *value)
{
    fbx_write_text(w, key);
    fbx_write_text(w, value);
}

static void write_data(fbx_writer *w, const struct usage_sum *sum)
{
    fbx_write_text(w, "data");
    fbx_write_map(w, USAGE_NAMES - 1 + USAGE_VOIDED + (sum->customer != NULL));
    for (unsigned i = USAGE_TENANT; i < USAGE_NAMES; i++)
        write_pair(w, usage_names[i], sum->names[i]);
    if (sum->customer)
        write_pair(w, "billing_customer", sum->customer);
    for (unsigned i = 0; i < USAGE_VOIDED; i++) { /* credits are events of their own */
        fbx_write_text(w, usage_figures[i]);
        fbx_write_uint(w, sum->figures[i]);
    }
}

/* CloudEvents 1.0, structured mode, up to the data. */
static void write_head(fbx_writer *w, const char *source, const char *type, const struct buf *id,
                       const char *time, const char *tenant)
{
    fbx_write_map(w, 8);
    write_pair(w, "specversion", "1.0");
    write_pair(w, "id", (const char *)id->data);
    write_pair(w, "source", source);
    write_pair(w, "type", type);
    write_pair(w, "time", time);
    write_pair(w, "subject", tenant);
    write_pair(w, "datacontenttype", "application/json");
}

static void print_event(struct usage_events *events, fbx_writer *w)
{
    fbx_bytes made = fbx_written(w);
    if (json_from_msgpack(&events->out, slice_make(made.data, made.len), NULL) != 0)
        events->failed = true;
    buf_append(&events->out, "\n", 1);
    fbx_writer_free(w);
}

/* The same row has the same id for ever, so that whoever takes it in twice has it once. */
static void write_usage(struct usage_events *events, const struct usage_sum *sum)
{
    fbx_writer w = {0};
    struct buf id = {0};
    char time[sizeof "2026-11-24T13:00:00Z"];
    buf_printf(&id, "%s/%s/%s/%s/%s", sum->names[USAGE_TIME], sum->names[USAGE_TENANT],
               sum->names[USAGE_USER], sum->names[USAGE_SERVICE], sum->names[USAGE_METHOD]);
    buf_append(&id, "", 1);
    snprintf(time, sizeof time, "%.13s:00:00Z", sum->names[USAGE_TIME]);
    write_head(&w, events->source, "farebox.usage", &id, time, sum->names[USAGE_TENANT]);
    write_data(&w, sum);
    print_event(events, &w);
    buf_finish(&id);
}

/* Rows of days have other ids than those of the hours that they were: whoever took those in would
 * have them twice. */
size_t usage_events_of_hours(struct usage_events *events, const struct usage_sums *sums)
{
    size_t days = 0;
    for (size_t i = 0; i < sums->count; i++) {
        const char *time = sums->list[i].names[USAGE_TIME];
        if (strlen(time) < sizeof "2026-11-24T13" - 1)
            days++;
        else if (strcmp(time, sums->hour) < 0)
            write_usage(events, &sums->list[i]);
    }
    return days;
}

/* RFC 3339. */
static void print_time(struct buf *out, uint64_t unix_ms)
{
    human_date(out, (int64_t)(unix_ms / 1000));
    out->data[out->len - sizeof " 09:30:00Z" + 1] = 'T';
    buf_append(out, "", 1);
}

/* Of the moment in which it was given. */
static void write_credit(struct usage_events *events, const fbx_value *credit)
{
    fbx_writer w = {0};
    struct buf id = {0}, time = {0};
    char *tenant = usage_text(fbx_map_get(credit, "tenant"));
    char *name = usage_text(fbx_map_get(credit, "id"));
    buf_printf(&id, "credit/%s/%s", tenant, name);
    buf_append(&id, "", 1);
    print_time(&time, fbx_map_get(credit, "at_ms").as.natural);
    write_head(&w, events->source, "farebox.credit", &id, (const char *)time.data, tenant);
    fbx_write_text(&w, "data");
    fbx_write_value(&w, credit);
    print_event(events, &w);
    mem_free(tenant);
    mem_free(name);
    buf_finish(&id);
    buf_finish(&time);
}

void usage_events_of_credits(struct usage_events *events, const fbx_writer *made, const char *hour)
{
    fbx_value credits, credit;
    if (!fbx_read(fbx_written(made), &credits))
        return;
    for (const unsigned char *cursor = NULL; fbx_next(&credits, &cursor, &credit);) {
        char *time = usage_text(fbx_map_get(&credit, "time"));
        if (time && strcmp(time, hour) < 0)
            write_credit(events, &credit);
        mem_free(time);
    }
}

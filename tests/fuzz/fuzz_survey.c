/* fuzz_survey.c - a damaged file of the store: whatever it holds, reading it ends, and stays
 * within its bounds. */
#include "base/mem.h"
#include "store/survey.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Touches every byte it is given, so that a sanitizer sees where they are. */
static void touch(void *arg, struct slice table, struct slice key, struct slice raw)
{
    uint64_t *sum = arg;
    const struct slice parts[] = {table, key, raw};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        for (size_t at = 0; at < parts[i].len; at++)
            *sum += parts[i].data[at];
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *bytes = mem_dup(data, size);
    struct survey_file file = {{.bytes = slice_make(bytes, size)}};
    uint64_t sum = 0;
    file.file.page_size = page_size_of(file.file.bytes);
    survey_read(&file, SURVEY_NEWEST, touch, &sum);
    struct survey_verdict verdict = survey_read(&file, SURVEY_PREVIOUS, touch, &sum);
    if (verdict.consistent && !verdict.readable)
        abort();
    mem_free(bytes);
    return 0;
}

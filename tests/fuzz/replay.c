/* replay.c - runs a fuzz target without a fuzzer: every file of its corpus, then
 * a fixed number of mutants of them. The work is done in a child, so that the
 * parent can say which input it was that killed it. */
#include "../testing.h"

#include "base/buf.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MUTANTS 20000u
#define INPUT_MAX (256u * 1024u)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct corpus {
    struct dirent **entries;
    struct buf *inputs;
    size_t count;
};

static int not_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void read_file(const char *dir, const char *name, struct buf *out)
{
    struct buf path = {0};
    size_t got = 1;
    buf_printf(&path, "%s/%s", dir, name);
    buf_append(&path, "", 1);
    FILE *file = fopen((const char *)path.data, "rb");
    if (file == NULL) {
        fprintf(stderr, "%s: %s\n", (const char *)path.data, strerror(errno));
        exit(EXIT_FAILURE);
    }
    while (got > 0) {
        got = fread(buf_reserve(out, 4096), 1, 4096, file);
        out->len += got;
    }
    fclose(file);
    buf_finish(&path);
}

static void corpus_read(struct corpus *corpus, const char *dir)
{
    int count = scandir(dir, &corpus->entries, not_hidden, alphasort);
    if (count <= 0) {
        fprintf(stderr, "%s: no corpus\n", dir);
        exit(EXIT_FAILURE);
    }
    corpus->count = (size_t)count;
    corpus->inputs = mem_zalloc(corpus->count * sizeof(*corpus->inputs));
    for (size_t i = 0; i < corpus->count; i++)
        read_file(dir, corpus->entries[i]->d_name, &corpus->inputs[i]);
}

static void corpus_finish(struct corpus *corpus)
{
    for (size_t i = 0; i < corpus->count; i++) {
        buf_finish(&corpus->inputs[i]);
        free(corpus->entries[i]);
    }
    free(corpus->entries);
    mem_free(corpus->inputs);
}

/* ---- mutants: where decoders go wrong is lengths, ends and repeats ---- */

static void flip_bit(struct buf *buf, struct rng *rng)
{
    buf->data[rng_below(rng, buf->len)] ^= (uint8_t)(1u << rng_below(rng, 8));
}

static void set_byte(struct buf *buf, struct rng *rng)
{
    static const uint8_t telling[] = {0, 1, 0x0a, 0x7f, 0x80, 0xc1, 0xdf, 0xff};
    buf->data[rng_below(rng, buf->len)] = telling[rng_below(rng, sizeof(telling))];
}

static void cut_end(struct buf *buf, struct rng *rng)
{
    buf->len = rng_below(rng, buf->len);
}

static void remove_piece(struct buf *buf, struct rng *rng)
{
    size_t at = rng_below(rng, buf->len), len = 1 + rng_below(rng, buf->len - at);
    memmove(buf->data + at, buf->data + at + len, buf->len - at - len);
    buf->len -= len;
}

static void repeat_piece(struct buf *buf, struct rng *rng)
{
    size_t at = rng_below(rng, buf->len), len = 1 + rng_below(rng, buf->len - at);
    if (buf->len + len > INPUT_MAX)
        return;
    (void)buf_reserve(buf, len);
    memmove(buf->data + at + len, buf->data + at, buf->len - at);
    buf->len += len;
}

static void mutate(struct buf *buf, struct rng *rng)
{
    static void (*const kinds[])(struct buf *, struct rng *) = {
        flip_bit, flip_bit, set_byte, set_byte, cut_end, remove_piece, repeat_piece,
    };
    for (uint64_t n = 1 + rng_below(rng, 6); n > 0 && buf->len > 0; n--)
        kinds[rng_below(rng, sizeof(kinds) / sizeof(kinds[0]))](buf, rng);
}

/* Input `number`: a corpus file, or behind those, the mutant its number seeds. */
static void make_input(const struct corpus *corpus, size_t number, struct buf *out)
{
    struct rng rng = {number};
    bool mutant = number >= corpus->count;
    const struct buf *origin = &corpus->inputs[mutant ? rng_below(&rng, corpus->count) : number];
    out->len = 0;
    buf_append(out, origin->data, origin->len);
    if (mutant)
        mutate(out, &rng);
}

/* Each input is a block of its own size, so that a sanitizer sees its end. */
static void run_input(const struct buf *input)
{
    uint8_t *exact = mem_dup(input->data, input->len);
    (void)LLVMFuzzerTestOneInput(exact, input->len);
    mem_free(exact);
}

static void run_all(const struct corpus *corpus, volatile size_t *current)
{
    struct buf input = {0};
    for (size_t i = 0; i < corpus->count + MUTANTS; i++) {
        *current = i;
        make_input(corpus, i, &input);
        run_input(&input);
    }
    buf_finish(&input);
}

static void report(const struct corpus *corpus, size_t number)
{
    struct buf input = {0};
    make_input(corpus, number, &input);
    if (number < corpus->count)
        printf("input %s:\n", corpus->entries[number]->d_name);
    else
        printf("mutant %zu:\n", number);
    for (size_t i = 0; i < input.len; i++)
        printf("%02x%s", input.data[i], i % 32 == 31 || i + 1 == input.len ? "\n" : " ");
    buf_finish(&input);
}

int main(int argc, char **argv)
{
    struct corpus corpus = {0};
    int status = 0;
    if (argc != 2) {
        fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
        return EXIT_FAILURE;
    }
    corpus_read(&corpus, argv[1]);
    size_t *current =
        mmap(NULL, sizeof(*current), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child = current != MAP_FAILED ? fork() : -1;
    if (child == 0) {
        run_all(&corpus, current);
        corpus_finish(&corpus);
        return EXIT_SUCCESS;
    }
    if (child < 0 || waitpid(child, &status, 0) < 0)
        return EXIT_FAILURE;
    if (status != 0)
        report(&corpus, *current);
    printf("%zu files, %u mutants\n", corpus.count, MUTANTS);
    corpus_finish(&corpus);
    return status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

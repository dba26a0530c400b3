#include "store/survey.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 32u    /* LMDB goes no deeper */
#define TAIL_PAGES 1024u /* pages given out and freed again may never have been written */
#define MARK_TAKEN 1u    /* by a tree, a value or the list of free pages */
#define MARK_WALKED 2u

struct survey {
    const struct page_file *file;
    struct page_root root;
    uint8_t *marks; /* a byte for each page */
    bool consistent;
    survey_fn *each;
    void *arg;
};

/* One tree on its way through. */
struct walk {
    struct survey *survey;
    const struct page_tree *noted;
    struct page_tree found;
    struct slice table, previous; /* name; last key, data NULL before the first */
    void (*use)(struct walk *walk, const struct page_node *node, struct slice value);
};

/* Keys of a subtree: from `low` on, below `high`; data NULL: no bound. */
struct bounds {
    struct slice low, high;
};

static void damage(struct survey *survey)
{
    survey->consistent = false;
}

static void take(struct survey *survey, size_t page, size_t n)
{
    for (size_t end = page + n; page < end; page++) {
        if (page < PAGE_ROOTS || page > survey->root.last_page ||
            survey->marks[page] & MARK_TAKEN) {
            damage(survey);
            return;
        }
        survey->marks[page] |= MARK_TAKEN;
    }
}

/* ---- order ---- */

static int compare_numbers(struct slice a, struct slice b)
{
    size_t left, right;
    memcpy(&left, a.data, sizeof left);
    memcpy(&right, b.data, sizeof right);
    return (left > right) - (left < right);
}

static int compare_bytes(struct slice a, struct slice b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static bool is_below(const struct walk *walk, struct slice a, struct slice b)
{
    bool numbers = walk->noted->flags & PAGE_INTEGER_KEYS;
    if (numbers && (a.len != sizeof(size_t) || b.len != sizeof(size_t)))
        return false;
    return (numbers ? compare_numbers(a, b) : compare_bytes(a, b)) < 0;
}

static void check_order(struct walk *walk, struct slice key, struct bounds bounds)
{
    if ((walk->previous.data && !is_below(walk, walk->previous, key)) ||
        (bounds.low.data && is_below(walk, key, bounds.low)) ||
        (bounds.high.data && !is_below(walk, key, bounds.high)))
        damage(walk->survey);
    walk->previous = key;
}

/* ---- a tree ---- */

static bool value_of(struct walk *walk, const struct page_node *node, struct slice *value)
{
    size_t pages = 0;
    *value = node->value;
    if (node->kind != NODE_OVERFLOW)
        return node->kind != NODE_UNKNOWN;
    if (!page_read_overflow(walk->survey->file, node, value, &pages))
        return false;
    take(walk->survey, node->number, pages);
    walk->found.overflow_pages += pages;
    return true;
}

static void walk_leaf(struct walk *walk, const struct page *page, size_t level,
                      struct bounds bounds)
{
    if (level != walk->noted->depth)
        damage(walk->survey);
    walk->found.leaf_pages++;
    walk->found.entries += page->n_nodes;
    for (size_t i = 0; i < page->n_nodes; i++) {
        const struct page_node node = page_node_at(page, i);
        struct slice value;
        if (node.kind != NODE_UNKNOWN)
            check_order(walk, node.key, bounds);
        if (value_of(walk, &node, &value))
            walk->use(walk, &node, value);
        else
            damage(walk->survey);
    }
}

static void walk_page(struct walk *walk, size_t number, size_t level, struct bounds bounds)
{
    struct survey *survey = walk->survey;
    struct page page;
    take(survey, number, 1);
    if (level > DEPTH_MAX || number > survey->root.last_page ||
        survey->marks[number] & MARK_WALKED || !page_read(survey->file, number, &page)) {
        damage(survey);
        return;
    }
    survey->marks[number] |= MARK_WALKED;
    if (!page.is_sound)
        damage(survey);
    if (page.is_leaf) {
        walk_leaf(walk, &page, level, bounds);
        return;
    }
    walk->found.branch_pages++;
    for (size_t i = 0; i < page.n_nodes; i++) {
        const struct page_node node = page_node_at(&page, i);
        /* The first key of a branch stands for everything below the second. */
        struct bounds inner = {i ? node.key : bounds.low,
                               i + 1 < page.n_nodes ? page_node_at(&page, i + 1).key : bounds.high};
        if (node.kind == NODE_CHILD)
            walk_page(walk, node.number, level + 1, inner);
    }
}

static void walk_tree(struct walk *walk, uint16_t flags)
{
    const struct page_tree *noted = walk->noted, *found = &walk->found;
    if (noted->root != PAGE_NONE)
        walk_page(walk, noted->root, 1, (struct bounds){0});
    if (noted->flags != flags || noted->branch_pages != found->branch_pages ||
        noted->leaf_pages != found->leaf_pages || noted->overflow_pages != found->overflow_pages ||
        noted->entries != found->entries)
        damage(walk->survey);
}

/* ---- what the trees hold ---- */

static void use_record(struct walk *walk, const struct page_node *node, struct slice value)
{
    if (node->kind == NODE_TREE)
        damage(walk->survey);
    else
        walk->survey->each(walk->survey->arg, walk->table, node->key, value);
}

static void use_table(struct walk *walk, const struct page_node *node, struct slice value)
{
    if (node->kind != NODE_TREE) {
        damage(walk->survey);
        return;
    }
    const struct page_tree noted = page_read_tree(value);
    struct walk inner = {
        .survey = walk->survey, .noted = &noted, .table = node->key, .use = use_record};
    walk_tree(&inner, 0);
}

/* A list of free pages: its length, then their numbers. */
static void use_free_list(struct walk *walk, const struct page_node *node, struct slice value)
{
    size_t n = 0, page;
    (void)node;
    if (value.len >= sizeof n)
        memcpy(&n, value.data, sizeof n);
    if (value.len % sizeof n || value.len < sizeof n || n != value.len / sizeof n - 1) {
        damage(walk->survey);
        return;
    }
    for (size_t i = 1; i <= n; i++) {
        memcpy(&page, value.data + i * sizeof page, sizeof page);
        take(walk->survey, page, 1);
    }
}

/* ---- the whole ---- */

static void read_trees(struct survey *survey)
{
    struct walk free = {.survey = survey, .noted = &survey->root.free, .use = use_free_list};
    struct walk tables = {.survey = survey, .noted = &survey->root.tables, .use = use_table};
    survey->marks = mem_zalloc(survey->root.last_page + 1);
    walk_tree(&free, PAGE_INTEGER_KEYS);
    walk_tree(&tables, 0);
    mem_free(survey->marks);
}

/* LMDB reads both roots and goes on with the one of the later transaction. */
static bool choose_root(const struct page_file *file, enum survey_state state,
                        struct page_root *root, bool *consistent)
{
    struct page_root roots[PAGE_ROOTS];
    bool first = page_read_root(file, 0, &roots[0]), second = page_read_root(file, 1, &roots[1]);
    bool both = first && second;
    if (!both && (state == SURVEY_PREVIOUS || (!first && !second)))
        return false;
    bool newer = both ? roots[0].transaction < roots[1].transaction : second;
    *root = roots[state == SURVEY_NEWEST ? newer : !newer];
    *consistent = both;
    return true;
}

struct survey_verdict survey_read(const struct survey_file *file, enum survey_state state,
                                  survey_fn *each, void *arg)
{
    struct survey survey = {.file = &file->file, .each = each, .arg = arg};
    size_t pages = file->file.bytes.len / file->file.page_size;
    if (!choose_root(&file->file, state, &survey.root, &survey.consistent) ||
        survey.root.last_page >= pages + TAIL_PAGES)
        return (struct survey_verdict){0};
    read_trees(&survey);
    return (struct survey_verdict){
        .readable = true, .consistent = survey.consistent, .transaction = survey.root.transaction};
}

int survey_open(struct survey_file *file, const char *path)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    void *data = MAP_FAILED;
    if (fstat(fd, &info) == 0)
        data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    int err = data == MAP_FAILED ? -errno : 0;
    close(fd);
    if (err)
        return err;
    file->file.bytes = slice_make(data, (size_t)info.st_size);
    file->file.page_size = page_size_of(file->file.bytes);
    return 0;
}

void survey_close(struct survey_file *file)
{
    munmap((void *)(uintptr_t)file->file.bytes.data, file->file.bytes.len);
}

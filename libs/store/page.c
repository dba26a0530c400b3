#include "store/page.h"

#include <unistd.h>

/* As LMDB lays them out, in the machine's byte order and word size. */

struct page_header {
    size_t number;
    uint16_t pad, flags;
    union {
        struct {
            uint16_t lower, upper; /* of the room between offsets and nodes */
        } room;
        uint32_t overflow_pages;
    };
};

struct node_header {
    uint32_t low; /* length of the value, or of a page number the low half */
    uint16_t flags, key_len;
};

struct meta {
    uint32_t magic, version;
    void *address;
    size_t map_size;
    struct page_tree free, tables;
    size_t last_page, transaction;
};

#define MAGIC 0xBEEFC0DEu
#define VERSION 1u
#define IS_BRANCH 0x01u
#define IS_LEAF 0x02u
#define IS_OVERFLOW 0x04u
#define IS_META 0x08u
#define TREE_FLAGS 0xffu
#define NODE_IS_BIG 0x01u
#define NODE_IS_TREE 0x02u
#define PAGE_SIZE_MIN 512u
#define PAGE_SIZE_MAX 32768u
#define OFFSET_BYTES sizeof(uint16_t)
/* Ends with the room: the union is larger only where size_t asks for padding. */
#define HEADER_BYTES (offsetof(struct page_header, overflow_pages) + sizeof(uint32_t))

_Static_assert(sizeof(struct node_header) == 8, "a node begins with 8 bytes");

/* ---- roots ---- */

static bool is_page_size(size_t size)
{
    return size >= PAGE_SIZE_MIN && size <= PAGE_SIZE_MAX && (size & (size - 1)) == 0;
}

static bool read_meta(struct slice bytes, size_t at, struct meta *meta)
{
    if (at + HEADER_BYTES + sizeof *meta > bytes.len)
        return false;
    memcpy(meta, bytes.data + at + HEADER_BYTES, sizeof *meta);
    return meta->magic == MAGIC && meta->version == VERSION;
}

size_t page_size_of(struct slice bytes)
{
    struct meta meta;
    bool usable = read_meta(bytes, 0, &meta) && is_page_size(meta.free.page_size);
    return usable ? meta.free.page_size : (size_t)sysconf(_SC_PAGESIZE);
}

bool page_read_root(const struct page_file *file, size_t which, struct page_root *root)
{
    struct page_header header;
    struct meta meta;
    if (!read_meta(file->bytes, which * file->page_size, &meta))
        return false;
    memcpy(&header, file->bytes.data + which * file->page_size, sizeof header);
    if (header.number != which || header.flags != IS_META || meta.address ||
        meta.free.page_size != file->page_size || meta.last_page < PAGE_ROOTS - 1)
        return false;
    meta.free.flags &= TREE_FLAGS; /* those of the environment are kept beside them */
    *root = (struct page_root){meta.free, meta.tables, meta.last_page, meta.transaction};
    return true;
}

struct page_tree page_read_tree(struct slice bytes)
{
    struct page_tree tree;
    memcpy(&tree, bytes.data, sizeof tree);
    return tree;
}

/* ---- pages ---- */

static const uint8_t *find(const struct page_file *file, size_t number, struct page_header *header)
{
    if (number < PAGE_ROOTS || number >= file->bytes.len / file->page_size)
        return NULL;
    const uint8_t *data = file->bytes.data + number * file->page_size;
    memcpy(header, data, sizeof *header);
    return data;
}

static size_t offset_of(const struct page *page, size_t i)
{
    uint16_t offset;
    memcpy(&offset, page->data + HEADER_BYTES + i * OFFSET_BYTES, sizeof offset);
    return offset;
}

static struct node_header node_header(const struct page *page, size_t i)
{
    struct node_header header;
    memcpy(&header, page->data + offset_of(page, i), sizeof header);
    return header;
}

/* Bytes a node takes in its page, which are always even. */
static size_t node_size(const struct page *page, struct node_header header)
{
    size_t value = !page->is_leaf ? 0 : (header.flags & NODE_IS_BIG) ? sizeof(size_t) : header.low;
    return (sizeof header + header.key_len + value + 1) & ~(size_t)1;
}

/* Bytes of the node if it lies between the offsets and the end of the page, or 0. */
static size_t node_extent(const struct page *page, size_t i)
{
    size_t at = offset_of(page, i);
    if (at % 2 || at < HEADER_BYTES + page->n_nodes * OFFSET_BYTES ||
        at + sizeof(struct node_header) > page->size)
        return 0;
    size_t size = node_size(page, node_header(page, i));
    return size <= page->size - at ? size : 0;
}

/* Do the nodes fill everything from `upper` on, without overlapping? LMDB moves memory by that. */
static bool is_filled_soundly(const struct page *page, size_t upper)
{
    uint8_t claimed[PAGE_SIZE_MAX];
    size_t total = 0;
    memset(claimed, 0, page->size);
    for (size_t i = 0; i < page->n_nodes; i++) {
        size_t at = offset_of(page, i), size = node_extent(page, i);
        if (size == 0 || at < upper || memchr(claimed + at, 1, size))
            return false;
        memset(claimed + at, 1, size);
        total += size;
    }
    return total == page->size - upper;
}

bool page_read(const struct page_file *file, size_t number, struct page *page)
{
    struct page_header header;
    const uint8_t *data = find(file, number, &header);
    if (!data)
        return false;
    size_t lower = header.room.lower, upper = header.room.upper;
    if ((header.flags != IS_BRANCH && header.flags != IS_LEAF) ||
        lower < HEADER_BYTES + OFFSET_BYTES || lower > file->page_size)
        return false;
    *page = (struct page){.data = data,
                          .size = file->page_size,
                          .n_nodes = (lower - HEADER_BYTES) / OFFSET_BYTES,
                          .is_leaf = header.flags == IS_LEAF};
    page->is_sound = header.number == number && lower % 2 == 0 && lower <= upper &&
                     upper <= page->size && is_filled_soundly(page, upper);
    return true;
}

/* ---- nodes ---- */

static enum page_node_kind leaf_kind(struct node_header header)
{
    switch (header.flags) {
    case 0:
        return NODE_VALUE;
    case NODE_IS_BIG:
        return NODE_OVERFLOW;
    case NODE_IS_TREE:
        return header.low == sizeof(struct page_tree) ? NODE_TREE : NODE_UNKNOWN;
    default:
        return NODE_UNKNOWN;
    }
}

struct page_node page_node_at(const struct page *page, size_t i)
{
    if (node_extent(page, i) == 0)
        return (struct page_node){.kind = NODE_UNKNOWN};
    struct node_header header = node_header(page, i);
    const uint8_t *key = page->data + offset_of(page, i) + sizeof header;
    const uint8_t *value = key + header.key_len;
    struct page_node node = {.key = slice_make(key, header.key_len)};
    if (!page->is_leaf) {
        node.kind = NODE_CHILD;
        node.number = (size_t)(header.low | (uint64_t)header.flags << 32);
        return node;
    }
    node.kind = leaf_kind(header);
    if (node.kind == NODE_OVERFLOW) {
        memcpy(&node.number, value, sizeof node.number);
        node.overflow_bytes = header.low;
    } else {
        node.value = slice_make(value, header.flags & NODE_IS_BIG ? 0 : header.low);
    }
    return node;
}

bool page_read_overflow(const struct page_file *file, const struct page_node *node,
                        struct slice *value, size_t *pages)
{
    struct page_header header;
    const uint8_t *data = find(file, node->number, &header);
    if (!data || header.flags != IS_OVERFLOW || header.number != node->number)
        return false;
    size_t left = file->bytes.len / file->page_size - node->number;
    /* A value that shrank keeps its pages. */
    if (header.overflow_pages == 0 || header.overflow_pages > left ||
        node->overflow_bytes > header.overflow_pages * file->page_size - HEADER_BYTES)
        return false;
    *value = slice_make(data + HEADER_BYTES, node->overflow_bytes);
    *pages = header.overflow_pages;
    return true;
}

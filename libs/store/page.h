/* page.h - LMDB's file, format version 1, page by page, with nothing taken on
 * trust: LMDB itself crashes over damaged pages, or worse, writes on. Pure. */
#ifndef STORE_PAGE_H
#define STORE_PAGE_H

#include "base/slice.h"

#define PAGE_ROOTS 2u           /* the first two pages */
#define PAGE_NONE (~(size_t)0)  /* root of an empty tree */
#define PAGE_INTEGER_KEYS 0x08u /* flag of the tree of free pages */

/* What LMDB notes about a tree. */
struct page_tree {
    uint32_t page_size; /* in the first tree of a root only */
    uint16_t flags, depth;
    size_t branch_pages, leaf_pages, overflow_pages, entries, root;
};

struct page_root {
    struct page_tree free, tables;
    size_t last_page, transaction;
};

struct page_file {
    struct slice bytes;
    size_t page_size;
};

/* The size the first root names, or the system's if it makes no sense. */
size_t page_size_of(struct slice bytes);
/* Reads root 0 or 1; false: it is none. */
bool page_read_root(const struct page_file *file, size_t which, struct page_root *root);
struct page_tree page_read_tree(struct slice bytes); /* of sizeof(struct page_tree) bytes */

/* A branch or a leaf. */
struct page {
    const uint8_t *data;
    size_t size, n_nodes;
    bool is_leaf;
    bool is_sound; /* its nodes lie within it, do not overlap, and fill what they should */
};
/* False: neither. */
bool page_read(const struct page_file *file, size_t number, struct page *page);

enum page_node_kind { NODE_CHILD, NODE_VALUE, NODE_OVERFLOW, NODE_TREE, NODE_UNKNOWN };

struct page_node {
    enum page_node_kind kind;
    struct slice key;
    struct slice value;    /* NODE_VALUE, NODE_TREE */
    size_t number;         /* NODE_CHILD, NODE_OVERFLOW: first page */
    size_t overflow_bytes; /* NODE_OVERFLOW: length of the value */
};
/* NODE_UNKNOWN: not within the page, or of no kind that belongs here. */
struct page_node page_node_at(const struct page *page, size_t i);

/* The value behind a node on pages of its own, and how many those are. */
bool page_read_overflow(const struct page_file *file, const struct page_node *node,
                        struct slice *value, size_t *pages);

#endif

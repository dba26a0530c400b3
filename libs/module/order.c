#include "module/imports.h"

#include "base/buf.h"
#include "base/mem.h"

#include <errno.h>
#include <stdbool.h>

enum mark { MARK_NEW, MARK_OPEN, MARK_DONE };

struct ordering {
    const struct farebox_module *const *modules;
    size_t n_modules;
    enum mark *marks;
    size_t *path; /* the modules being visited, outermost first */
    size_t depth;
    size_t *order;
    size_t n_ordered;
    struct module_error *why;
};

static bool find_module(const struct ordering *o, const char *name, size_t *index)
{
    for (size_t i = 0; i < o->n_modules; i++)
        if (strcmp(o->modules[i]->name, name) == 0) {
            *index = i;
            return true;
        }
    return false;
}

static int refuse_cycle(const struct ordering *o, size_t again)
{
    struct buf text = {0};
    size_t from = 0;
    while (o->path[from] != again)
        from++;
    for (size_t i = from; i < o->depth; i++)
        buf_printf(&text, "%s -> ", o->modules[o->path[i]]->name);
    int rc = imports_refuse(o->why, -ELOOP, "modules require each other: %.*s%s",
                            SLICE_FMT(buf_slice(&text)), o->modules[again]->name);
    buf_finish(&text);
    return rc;
}

static int visit(struct ordering *o, size_t index);

static int visit_required(struct ordering *o, const struct farebox_module *module)
{
    int rc = 0;
    for (const char *const *name = module->requires; name && *name && rc == 0; name++) {
        size_t required;
        if (!find_module(o, *name, &required))
            return imports_refuse(o->why, -ENXIO, "%s requires %s, which is not among the modules",
                                  module->name, *name);
        rc = visit(o, required);
    }
    return rc;
}

static int visit(struct ordering *o, size_t index)
{
    if (o->marks[index] == MARK_DONE)
        return 0;
    if (o->marks[index] == MARK_OPEN)
        return refuse_cycle(o, index);
    o->marks[index] = MARK_OPEN;
    o->path[o->depth++] = index;
    int rc = visit_required(o, o->modules[index]);
    if (rc < 0)
        return rc;
    o->depth--;
    o->marks[index] = MARK_DONE;
    o->order[o->n_ordered++] = index;
    return 0;
}

static int refuse_twins(const struct ordering *o)
{
    for (size_t i = 0; i < o->n_modules; i++) {
        size_t first = i;
        if (find_module(o, o->modules[i]->name, &first) && first != i)
            return imports_refuse(o->why, -EEXIST, "two modules are named %s", o->modules[i]->name);
    }
    return 0;
}

int imports_order(const struct farebox_module *const *modules, size_t n_modules, size_t *order,
                  struct module_error *why)
{
    struct ordering o = {
        .modules = modules,
        .n_modules = n_modules,
        .marks = mem_zalloc(n_modules * sizeof(enum mark) + 1),
        .path = mem_alloc(n_modules * sizeof(size_t) + 1),
        .order = mem_alloc(n_modules * sizeof(size_t) + 1),
        .why = why,
    };
    int rc = refuse_twins(&o);
    for (size_t i = 0; i < n_modules && rc == 0; i++)
        rc = visit(&o, i);
    if (rc == 0)
        memcpy(order, o.order, n_modules * sizeof *order);
    mem_free(o.order);
    mem_free(o.path);
    mem_free(o.marks);
    return rc;
}

/* The import manager: which files it takes, and in which order. */
#include "../testing.h"
#include "module/imports.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILES 8

/* A folder of our own with copies of the modules built for this test. */
struct place {
    char *root;
    char built[PATH_MAX + 16];
    char paths[MAX_FILES][128];
    const char *files[MAX_FILES];
    size_t n_files;
    struct module_error why;
};

/* They lie in <build>/tests/modules, this program in <build>/tests/unit. */
static void find_built_modules(char *out, size_t size)
{
    char program[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    assert_true(len > 0);
    program[len] = '\0';
    for (int up = 0; up < 2; up++)
        *strrchr(program, '/') = '\0';
    assert_true(snprintf(out, size, "%s/modules", program) < (int)size);
}

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    assert_non_null(place);
    place->root = strdup("/tmp/fbx-modules-XXXXXX");
    assert_non_null(place->root);
    assert_non_null(mkdtemp(place->root));
    find_built_modules(place->built, sizeof place->built);
    *state = place;
    return 0;
}

static void run(const char *format, const char *argument)
{
    char command[256];
    (void)snprintf(command, sizeof command, format, argument);
    assert_int_equal(system(command), 0);
}

static int tear_down(void **state)
{
    struct place *place = *state;
    run("rm -rf '%s'", place->root);
    free(place->root);
    free(place);
    return 0;
}

static void copy_file(const char *from, const char *to)
{
    char bytes[65536];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
    assert_true(in >= 0 && out >= 0);
    for (ssize_t n; (n = read(in, bytes, sizeof bytes)) > 0;)
        assert_int_equal(write(out, bytes, (size_t)n), n);
    close(in);
    close(out);
}

/* Puts a copy of a built module into a folder below the root ("" for the root
 * itself) and onto the list of files to load. */
static const char *put_in(struct place *place, const char *folder, const char *module)
{
    char from[PATH_MAX + 64];
    char *to = place->paths[place->n_files];
    assert_true(place->n_files < MAX_FILES);
    (void)snprintf(from, sizeof from, "%s/%s.so", place->built, module);
    (void)snprintf(to, sizeof place->paths[0], "%s/%s%s.so", place->root, folder, module);
    copy_file(from, to);
    place->files[place->n_files++] = to;
    return to;
}

static const char *put(struct place *place, const char *module)
{
    return put_in(place, "", module);
}

static void make_folder(const struct place *place, const char *name, mode_t mode)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", place->root, name);
    assert_int_equal(mkdir(path, 0755), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static int load(struct place *place, struct imports **out)
{
    return imports_load(out, place->files, place->n_files, &place->why);
}

static void assert_refused(struct place *place, int code, const char *because)
{
    struct imports *untouched = (struct imports *)place, *imports = untouched;
    assert_int_equal(load(place, &imports), code);
    assert_ptr_equal(imports, untouched);
    if (!strstr(place->why.text, because))
        fail_msg("'%s' does not say '%s'", place->why.text, because);
}

static void assert_loads(struct place *place)
{
    struct imports *imports = NULL;
    if (load(place, &imports) != 0)
        fail_msg("refused: %s", place->why.text);
    imports_unload(imports);
}

/* ---- order ---- */

static void loads_in_dependency_order(void **state)
{
    struct place *place = *state;
    struct imports *imports = NULL;
    put(place, "roof");
    put(place, "walls");
    put(place, "ground");
    assert_int_equal(load(place, &imports), 0);
    assert_int_equal(imports_count(imports), 3);
    assert_string_equal(imports_at(imports, 0)->name, "ground");
    assert_string_equal(imports_at(imports, 1)->name, "walls");
    assert_string_equal(imports_at(imports, 2)->name, "roof");
    assert_string_equal(imports_directory(imports, 2), place->root);
    assert_ptr_equal(imports_find(imports, "walls"), imports_at(imports, 1));
    assert_null(imports_find(imports, "cellar"));
    imports_unload(imports);
}

static void prints_the_path_of_a_cycle(void **state)
{
    struct place *place = *state;
    put(place, "ground");
    put(place, "hen");
    put(place, "egg");
    assert_refused(place, -ELOOP, "hen -> egg -> hen");
}

static void names_a_missing_requirement(void **state)
{
    struct place *place = *state;
    put(place, "roof");
    put(place, "ground");
    assert_refused(place, -ENXIO, "roof requires walls");
}

static void refuses_the_same_module_twice(void **state)
{
    struct place *place = *state;
    make_folder(place, "again", 0755);
    put(place, "ground");
    put_in(place, "again/", "ground");
    assert_refused(place, -EEXIST, "ground");
}

static int order_of(const char *const requires[][4], size_t n, size_t *order,
                    struct module_error *why)
{
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    struct farebox_module modules[5] = {0};
    const struct farebox_module *list[5];
    for (size_t i = 0; i < n; i++) {
        modules[i].name = names[i];
        modules[i].requires = requires[i];
        list[i] = &modules[i];
    }
    return imports_order(list, n, order, why);
}

static void keeps_the_given_order_where_free(void **state)
{
    (void)state;
    struct module_error why;
    size_t order[4];
    const char *const requires[4][4] = {{NULL}, {"d"}, {"a"}, {"a"}};
    assert_int_equal(order_of(requires, 4, order, &why), 0);
    const size_t expected[] = {0, 3, 1, 2};
    assert_memory_equal(order, expected, sizeof expected);
}

static void a_diamond_is_no_cycle(void **state)
{
    (void)state;
    struct module_error why;
    size_t order[4];
    const char *const requires[4][4] = {{"b", "c"}, {"d"}, {"d"}, {NULL}};
    assert_int_equal(order_of(requires, 4, order, &why), 0);
    const size_t expected[] = {3, 1, 2, 0};
    assert_memory_equal(order, expected, sizeof expected);
}

static void a_cycle_is_told_without_what_leads_to_it(void **state)
{
    (void)state;
    struct module_error why;
    size_t order[5] = {9, 9, 9, 9, 9};
    const char *const long_way[5][4] = {{"b"}, {"c"}, {"d", "e"}, {NULL}, {"b"}};
    assert_int_equal(order_of(long_way, 5, order, &why), -ELOOP);
    assert_string_equal(why.text, "modules require each other: b -> c -> e -> b");
    assert_int_equal(order[0], 9);
    const char *const itself[1][4] = {{"a"}};
    assert_int_equal(order_of(itself, 1, order, &why), -ELOOP);
    assert_string_equal(why.text, "modules require each other: a -> a");
}

/* Every graph over four modules: an order, if given, has requirements first, and
 * one is given exactly when there is no cycle (Warshall's closure says so). */
static void agrees_with_brute_force(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c", "d"};
    for (unsigned graph = 0; graph < 1u << 16; graph++) {
        const char *requires[4][4 + 1] = {{0}};
        struct farebox_module modules[4] = {0};
        const struct farebox_module *list[4];
        unsigned reach[4];
        for (unsigned i = 0; i < 4; i++) {
            reach[i] = graph >> (4 * i) & 15u;
            for (unsigned j = 0, n = 0; j < 4; j++)
                if (reach[i] & 1u << j)
            requires[i][n++] = names[j];
            modules[i].name = names[i];
            modules[i].requires = requires[i];
            list[i] = &modules[i];
        }
        for (unsigned k = 0; k < 4; k++)
            for (unsigned i = 0; i < 4; i++)
                if (reach[i] & 1u << k)
                    reach[i] |= reach[k];
        bool cyclic = false;
        for (unsigned i = 0; i < 4; i++)
            cyclic |= (reach[i] & 1u << i) != 0;
        size_t order[4];
        struct module_error why;
        assert_int_equal(imports_order(list, 4, order, &why), cyclic ? -ELOOP : 0);
        for (unsigned at = 0, seen = 0; at < 4 && !cyclic; at++) {
            assert_int_equal(graph >> (4 * order[at]) & 15u & ~seen, 0);
            seen |= 1u << order[at];
        }
    }
}

/* ---- what is a module ---- */

static void refuses_another_abi(void **state)
{
    struct place *place = *state;
    put(place, "ground");
    put(place, "other_abi");
    assert_refused(place, -ENOEXEC, "ABI");
}

static void refuses_what_is_no_module(void **state)
{
    struct place *place = *state;
    put(place, "no_table");
    assert_refused(place, -ENOEXEC, "not a Farebox module");
}

static void refuses_a_bad_name(void **state)
{
    struct place *place = *state;
    put(place, "bad_name");
    assert_refused(place, -ENOEXEC, "name");
}

static void refuses_what_is_no_shared_object(void **state)
{
    struct place *place = *state;
    const char *file = put(place, "ground");
    assert_int_equal(truncate(file, 100), 0);
    assert_refused(place, -ENOEXEC, "ground.so");
}

static void names_a_missing_file(void **state)
{
    struct place *place = *state;
    place->files[place->n_files++] = "/nonexistent/orders.so";
    assert_refused(place, -ENOENT, "/nonexistent/orders.so");
}

/* ---- who could have changed it ---- */

static void refuses_a_file_writable_by_everyone(void **state)
{
    struct place *place = *state;
    const char *file = put(place, "ground");
    assert_loads(place);
    assert_int_equal(chmod(file, 0757), 0);
    assert_refused(place, -EPERM, "writable by everyone");
}

static void refuses_a_symbolic_link(void **state)
{
    struct place *place = *state;
    char link[128];
    (void)snprintf(link, sizeof link, "%s/link.so", place->root);
    assert_int_equal(symlink(put(place, "ground"), link), 0);
    place->files[0] = link;
    assert_refused(place, -EPERM, "symbolic link");
}

static void refuses_a_fifo(void **state)
{
    struct place *place = *state;
    const char *file = put(place, "ground");
    assert_int_equal(unlink(file), 0);
    assert_int_equal(mkfifo(file, 0600), 0);
    assert_refused(place, -EPERM, "regular file");
}

static void refuses_a_folder_writable_by_everyone(void **state)
{
    struct place *place = *state;
    make_folder(place, "open", 0777);
    put_in(place, "open/", "ground");
    assert_refused(place, -EPERM, "open: the folder is writable by everyone");
}

static void looks_at_every_folder_on_the_way(void **state)
{
    struct place *place = *state;
    make_folder(place, "open", 0777);
    make_folder(place, "open/closed", 0755);
    put_in(place, "open/closed/", "ground");
    assert_refused(place, -EPERM, "open: the folder is writable by everyone");
}

static void looks_at_the_way_of_a_relative_path(void **state)
{
    struct place *place = *state;
    int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    make_folder(place, "open", 0777);
    make_folder(place, "open/closed", 0755);
    put_in(place, "open/closed/", "ground");
    char folder[128];
    (void)snprintf(folder, sizeof folder, "%s/open/closed", place->root);
    assert_int_equal(chdir(folder), 0);
    place->files[0] = "ground.so";
    struct imports *imports = NULL;
    int rc = load(place, &imports);
    assert_int_equal(fchdir(here), 0);
    close(here);
    assert_int_equal(rc, -EPERM);
}

/* A linked folder is fine in itself, but strangers may put such links into an open folder. */
static void follows_folder_links_only_from_safe_places(void **state)
{
    struct place *place = *state;
    char link[128], target[128], file[160];
    make_folder(place, "real", 0755);
    make_folder(place, "open", 0777);
    put_in(place, "real/", "ground");
    (void)snprintf(target, sizeof target, "%s/real", place->root);
    (void)snprintf(link, sizeof link, "%s/linked", place->root);
    (void)snprintf(file, sizeof file, "%s/ground.so", link);
    assert_int_equal(symlink(target, link), 0);
    place->files[0] = file;
    assert_loads(place);
    (void)snprintf(link, sizeof link, "%s/open/linked", place->root);
    (void)snprintf(file, sizeof file, "%s/ground.so", link);
    assert_int_equal(symlink(target, link), 0);
    assert_refused(place, -EPERM, "open: the folder is writable by everyone");
    (void)snprintf(link, sizeof link, "%s/inward", place->root);
    (void)snprintf(target, sizeof target, "%s/open/closed", place->root);
    (void)snprintf(file, sizeof file, "%s/walls.so", link);
    make_folder(place, "open/closed", 0755);
    put_in(place, "open/closed/", "walls");
    place->n_files = 1;
    assert_int_equal(symlink(target, link), 0);
    assert_refused(place, -EPERM, "open: the folder is writable by everyone");
}

static void takes_from_a_sticky_folder_only_what_is_ours(void **state)
{
    struct place *place = *state;
    make_folder(place, "shared", 01777);
    const char *file = put_in(place, "shared/", "ground");
    assert_loads(place);
    if (geteuid() != 0)
        skip();
    assert_int_equal(chown(file, 54321, 54321), 0);
    assert_refused(place, -EPERM, "stranger");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(loads_in_dependency_order),
        CASE(prints_the_path_of_a_cycle),
        CASE(names_a_missing_requirement),
        CASE(refuses_the_same_module_twice),
        CASE(keeps_the_given_order_where_free),
        CASE(a_diamond_is_no_cycle),
        CASE(a_cycle_is_told_without_what_leads_to_it),
        CASE(agrees_with_brute_force),
        CASE(refuses_another_abi),
        CASE(refuses_what_is_no_module),
        CASE(refuses_a_bad_name),
        CASE(refuses_what_is_no_shared_object),
        CASE(names_a_missing_file),
        CASE(refuses_a_file_writable_by_everyone),
        CASE(refuses_a_symbolic_link),
        CASE(refuses_a_fifo),
        CASE(refuses_a_folder_writable_by_everyone),
        CASE(looks_at_every_folder_on_the_way),
        CASE(looks_at_the_way_of_a_relative_path),
        CASE(follows_folder_links_only_from_safe_places),
        CASE(takes_from_a_sticky_folder_only_what_is_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

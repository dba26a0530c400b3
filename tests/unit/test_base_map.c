#include "../testing.h"

#include "base/map.h"
#include "base/mem.h"

#define KEYS 200u

/* The model: a plain array indexed by the key's number. */
struct model {
    char text[KEYS][8];
    int value[2][KEYS]; /* two candidate values a key, so that replacing shows */
    void *there[KEYS];
    size_t count;
};

static void model_init(struct model *model)
{
    *model = (struct model){.count = 0};
    for (unsigned i = 0; i < KEYS; i++)
        (void)snprintf(model->text[i], sizeof(model->text[i]), "key%u", i);
}

static struct slice key_of(const struct model *model, unsigned i)
{
    return slice_of(model->text[i]);
}

/* Numbers that differ in few bits, high and low. */
static uint64_t number_of(unsigned i)
{
    return i % 2 ? (uint64_t)i << 56 : i;
}

static void check_iteration(const struct map *map, struct model *model)
{
    size_t cursor = 0, seen = 0;
    bool found[KEYS] = {false};
    int *value;
    while ((value = map_next(map, &cursor)) != NULL) {
        size_t i = (size_t)(value - model->value[0]) % KEYS;
        assert_false(found[i]);
        assert_ptr_equal(model->there[i], value);
        found[i] = true;
        seen++;
    }
    assert_int_equal(seen, model->count);
    assert_int_equal(map->count, model->count);
}

struct verbs {
    void *(*get)(const struct map *, const struct model *, unsigned);
    void *(*put)(struct map *, const struct model *, unsigned, void *);
    void *(*remove)(struct map *, const struct model *, unsigned);
};

static void *get_text(const struct map *map, const struct model *model, unsigned i)
{
    return map_get(map, key_of(model, i));
}

static void *put_text(struct map *map, const struct model *model, unsigned i, void *value)
{
    return map_put(map, key_of(model, i), value);
}

static void *remove_text(struct map *map, const struct model *model, unsigned i)
{
    return map_remove(map, key_of(model, i));
}

static void *get_number(const struct map *map, const struct model *model, unsigned i)
{
    (void)model;
    return map_get_u64(map, number_of(i));
}

static void *put_number(struct map *map, const struct model *model, unsigned i, void *value)
{
    (void)model;
    return map_put_u64(map, number_of(i), value);
}

static void *remove_number(struct map *map, const struct model *model, unsigned i)
{
    (void)model;
    return map_remove_u64(map, number_of(i));
}

static void one_step(struct map *map, struct model *model, const struct verbs *verbs,
                     struct rng *rng, unsigned weight)
{
    unsigned i = (unsigned)rng_below(rng, KEYS);
    if (rng_below(rng, 10) < weight) {
        void *value = &model->value[rng_below(rng, 2)][i];
        assert_ptr_equal(verbs->put(map, model, i, value), model->there[i]);
        model->count += model->there[i] == NULL;
        model->there[i] = value;
    } else {
        assert_ptr_equal(verbs->remove(map, model, i), model->there[i]);
        model->count -= model->there[i] != NULL;
        model->there[i] = NULL;
    }
    unsigned other = (unsigned)rng_below(rng, KEYS);
    assert_ptr_equal(verbs->get(map, model, other), model->there[other]);
}

static void follow_model(const struct verbs *verbs)
{
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct rng rng = {seed};
        struct model model;
        struct map map;
        model_init(&model);
        map_init(&map);
        for (unsigned step = 0; step < 4000; step++) {
            one_step(&map, &model, verbs, &rng, step / 500 % 2 ? 3 : 7);
            if (step % 250 == 0)
                check_iteration(&map, &model);
        }
        map_finish(&map);
    }
}

static void text_keys_follow_the_model(void **state)
{
    (void)state;
    follow_model(&(struct verbs){get_text, put_text, remove_text});
}

static void number_keys_follow_the_model(void **state)
{
    (void)state;
    follow_model(&(struct verbs){get_number, put_number, remove_number});
}

static void empty_map_has_nothing(void **state)
{
    (void)state;
    struct map map;
    size_t cursor = 0;
    map_init(&map);
    assert_null(map_get(&map, slice_of("a")));
    assert_null(map_remove(&map, slice_of("a")));
    assert_null(map_get_u64(&map, 0));
    assert_null(map_remove_u64(&map, 0));
    assert_null(map_next(&map, &cursor));
    map_finish(&map);
}

static void the_empty_key_is_a_key(void **state)
{
    (void)state;
    struct map map;
    int value;
    map_init(&map);
    assert_null(map_put(&map, (struct slice){0}, &value));
    assert_ptr_equal(map_get(&map, slice_make("", 0)), &value);
    assert_null(map_get(&map, slice_make("\0", 1)));
    map_finish(&map);
}

/* The key moves with the value it lives in. */
static void replacing_takes_the_new_key(void **state)
{
    (void)state;
    struct map map;
    char *old = mem_strdup("name"), *new = mem_strdup("name");
    map_init(&map);
    assert_null(map_put(&map, slice_of(old), old));
    assert_ptr_equal(map_put(&map, slice_of(new), new), old);
    mem_free(old);
    assert_ptr_equal(map_get(&map, slice_of("name")), new);
    mem_free(new);
    map_finish(&map);
}

static void removing_while_iterating(void **state)
{
    (void)state;
    struct map map;
    uint64_t keys[500];
    uint64_t *key;
    size_t cursor = 0, seen = 0;
    map_init(&map);
    for (uint64_t i = 0; i < 500; i++) {
        keys[i] = i;
        (void)map_put_u64(&map, i, &keys[i]);
    }
    while ((key = map_next(&map, &cursor)) != NULL) {
        seen++;
        if (*key % 3 != 0)
            assert_ptr_equal(map_remove_u64(&map, *key), key);
    }
    assert_int_equal(seen, 500);
    assert_int_equal(map.count, 167);
    map_finish(&map);
}

/* Calls come and go under ever new numbers: the table must neither grow nor fill
 * with tombs. */
static void churn_stays_small(void **state)
{
    (void)state;
    struct map map;
    int value;
    map_init(&map);
    for (uint64_t i = 0; i < 200000; i++) {
        (void)map_put_u64(&map, i, &value);
        if (i >= 64)
            assert_ptr_equal(map_remove_u64(&map, i - 64), &value);
        assert_true(map.cap <= 256);
    }
    map_finish(&map);
}

static void an_emptied_map_has_no_tombs(void **state)
{
    (void)state;
    struct map map;
    int value;
    map_init(&map);
    for (uint64_t i = 0; i < 100000; i++)
        (void)map_put_u64(&map, i, &value);
    for (uint64_t i = 0; i < 100000; i++)
        (void)map_remove_u64(&map, i);
    assert_int_equal(map.count, 0);
    assert_int_equal(map.tombs, 0);
    map_finish(&map);
}

static void the_key_decides_the_hash(void **state)
{
    (void)state;
    const uint8_t one[MAP_KEY_BYTES] = {1}, two[MAP_KEY_BYTES] = {2};
    map_set_key(one);
    uint64_t first = map_hash(slice_of("tenant"));
    map_set_key(two);
    assert_true(map_hash(slice_of("tenant")) != first);
    map_set_key(one);
    assert_true(map_hash(slice_of("tenant")) == first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_keys_follow_the_model),
        cmocka_unit_test(number_keys_follow_the_model),
        cmocka_unit_test(empty_map_has_nothing),
        cmocka_unit_test(the_empty_key_is_a_key),
        cmocka_unit_test(replacing_takes_the_new_key),
        cmocka_unit_test(removing_while_iterating),
        cmocka_unit_test(churn_stays_small),
        cmocka_unit_test(an_emptied_map_has_no_tombs),
        cmocka_unit_test(the_key_decides_the_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

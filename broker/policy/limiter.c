#include "policy/limiter.h"

#include "base/mem.h"

#include <string.h>

void limiter_init(struct limiter *limiter, size_t most)
{
    map_init(&limiter->users);
    list_init(&limiter->order);
    limiter->most = most;
}

static void drop(struct limiter *limiter, struct limited *user)
{
    map_remove(&limiter->users, user->key);
    list_remove(&user->by_use);
    list_remove(&user->turn);
    list_remove(&user->slot);
    window_finish(&user->window);
    mem_free(user->spans);
    mem_free(user);
    limiter->dropped++;
}

void limiter_finish(struct limiter *limiter)
{
    struct list *node;
    while ((node = list_first(&limiter->order)))
        drop(limiter, LIST_ENTRY(node, struct limited, by_use));
    map_finish(&limiter->users);
}

/* False: the oldest is not forgotten, or there is none. */
static bool drop_forgotten(struct limiter *limiter, uint64_t now)
{
    struct list *node = list_first(&limiter->order);
    struct limited *oldest = node ? LIST_ENTRY(node, struct limited, by_use) : NULL;
    if (!oldest || oldest->forgets > now)
        return false;
    drop(limiter, oldest);
    return true;
}

static struct limited *user_create(struct limiter *limiter, struct slice key)
{
    struct limited *user = mem_zalloc(sizeof *user + key.len);
    memcpy(user->name, key.data, key.len);
    user->key = slice_make(user->name, key.len);
    list_init(&user->by_use);
    list_init(&user->turn);
    list_init(&user->slot);
    map_put(&limiter->users, user->key, user);
    return user;
}

static void used(struct limiter *limiter, struct limited *user, struct window_rate rate)
{
    user->rate = rate;
    user->forgets = window_forgets(&user->window, rate);
    list_remove(&user->by_use);
    list_push(&limiter->order, &user->by_use);
}

struct limited *limiter_user(struct limiter *limiter, struct slice key, uint64_t now)
{
    struct limited *user = map_get(&limiter->users, key);
    if (user)
        return user;
    /* Two for every one that comes, so the idle go faster than strangers arrive. */
    (void)(drop_forgotten(limiter, now) && drop_forgotten(limiter, now));
    return limiter->users.count < limiter->most ? user_create(limiter, key) : NULL;
}

static bool has_room(const struct limiter *limiter, const struct slice *keys, size_t n)
{
    size_t more = 0;
    for (size_t i = 0; i < n; i++)
        more += !map_get(&limiter->users, keys[i]);
    return more == 0 || limiter->users.count + more <= limiter->most;
}

/* What is given up may be one of them: they are counted again each time. */
bool limiter_make_room(struct limiter *limiter, const struct slice *keys, size_t n, uint64_t now)
{
    while (!has_room(limiter, keys, n)) {
        if (!drop_forgotten(limiter, now))
            return false;
    }
    return true;
}

bool limiter_admit(struct limiter *limiter, struct limited *user, struct window_rate rate,
                   uint64_t now, struct window_state *state)
{
    if (!window_admit(&user->window, rate, now, state))
        return false;
    used(limiter, user, rate);
    return true;
}

void limiter_restore(struct limiter *limiter, struct limited *user, struct window_rate rate,
                     uint64_t at, uint32_t calls)
{
    window_restore(&user->window, rate, at, calls);
    used(limiter, user, rate);
}

void limiter_look(struct limiter *limiter, struct slice key, struct window_rate rate, uint64_t now,
                  struct window_state *state)
{
    struct window none = {0};
    struct limited *user = map_get(&limiter->users, key);
    window_look(user ? &user->window : &none, rate, now, state);
}

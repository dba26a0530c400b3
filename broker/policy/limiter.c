#include "policy/limiter.h"

#include "base/mem.h"

#include <string.h>

struct limited {
    struct window window;
    struct list by_use;
    uint64_t forgets; /* then the window is as good as new */
    struct slice key;
    uint8_t name[];
};

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
    window_finish(&user->window);
    mem_free(user);
}

void limiter_finish(struct limiter *limiter)
{
    struct list *node;
    while ((node = list_first(&limiter->order)))
        drop(limiter, LIST_ENTRY(node, struct limited, by_use));
    map_finish(&limiter->users);
}

/* Two for every one that comes, so the idle go faster than strangers arrive. */
static void drop_forgotten(struct limiter *limiter, uint64_t now)
{
    for (unsigned i = 0; i < 2; i++) {
        struct list *node = list_first(&limiter->order);
        struct limited *oldest = node ? LIST_ENTRY(node, struct limited, by_use) : NULL;
        if (!oldest || oldest->forgets > now)
            return;
        drop(limiter, oldest);
    }
}

static struct limited *user_create(struct limiter *limiter, struct slice key)
{
    struct limited *user = mem_zalloc(sizeof *user + key.len);
    memcpy(user->name, key.data, key.len);
    user->key = slice_make(user->name, key.len);
    list_init(&user->by_use);
    map_put(&limiter->users, user->key, user);
    return user;
}

static void used(struct limiter *limiter, struct limited *user, struct window_rate rate)
{
    user->forgets = window_forgets(&user->window, rate);
    list_remove(&user->by_use);
    list_push(&limiter->order, &user->by_use);
}

enum limiter_verdict limiter_admit(struct limiter *limiter, struct slice key,
                                   struct window_rate rate, uint64_t now,
                                   struct window_state *state)
{
    struct limited *user = map_get(&limiter->users, key);
    if (!user) {
        drop_forgotten(limiter, now);
        if (limiter->users.count >= limiter->most)
            return LIMITER_FULL;
        user = user_create(limiter, key);
    }
    if (!window_admit(&user->window, rate, now, state))
        return LIMITER_REFUSED;
    used(limiter, user, rate);
    return LIMITER_ADMITTED;
}

void limiter_look(struct limiter *limiter, struct slice key, struct window_rate rate, uint64_t now,
                  struct window_state *state)
{
    struct window none = {0};
    struct limited *user = map_get(&limiter->users, key);
    window_look(user ? &user->window : &none, rate, now, state);
}

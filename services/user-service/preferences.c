#include "preferences.h"

#include "base/name.h"

#include <string.h>

static const char *const names[CHANNELS] = {"in_app", "email", "webhook"};

#define ALL ((uint8_t)((1u << CHANNELS) - 1))

void preferences_init(struct preferences *preferences)
{
    *preferences = (struct preferences){.channels = {.said = ALL, .on = ALL}};
}

/* ---- reading ---- */

/* A channel's number, or CHANNELS. */
static unsigned channel_named(const fbx_value *key)
{
    unsigned channel = 0;
    while (channel < CHANNELS &&
           !slice_is(slice_make(key->as.bytes.data, key->as.bytes.len), names[channel]))
        channel++;
    return channel;
}

static void choose(struct choice *choice, unsigned channel, const fbx_value *value)
{
    uint8_t bit = (uint8_t)(1u << channel);
    choice->said = (uint8_t)(choice->said & ~bit);
    choice->on = (uint8_t)(choice->on & ~bit);
    if (value->type != FBX_NIL)
        choice->said |= bit;
    if (fbx_as_bool(value, false))
        choice->on |= bit;
}

/* `what`: the argument. In general a channel is on or off. */
static void read_choice(struct choice *choice, const fbx_value *map, struct arguments *arguments,
                        const char *what, bool may_be_nil)
{
    fbx_value key, value;
    const unsigned char *cursor = NULL;
    if (map->type != FBX_MAP) {
        arguments_refuse(arguments, "%s: must be a map of channels", what);
        return;
    }
    while (fbx_next(map, &cursor, &key) && fbx_next(map, &cursor, &value)) {
        unsigned channel = key.type == FBX_TEXT ? channel_named(&key) : CHANNELS;
        bool fits = value.type == FBX_BOOL || (may_be_nil && value.type == FBX_NIL);
        if (channel == CHANNELS)
            arguments_refuse(arguments, "%s: channels are in_app, email and webhook", what);
        else if (!fits)
            arguments_refuse(arguments, "%s: %s must be true or false", what, names[channel]);
        else
            choose(choice, channel, &value);
    }
}

/* Where a kind is, or would be. */
static unsigned place_of(const struct preferences *preferences, const char *name, bool *found)
{
    unsigned i = 0;
    while (i < preferences->n_kinds && strcmp(preferences->kinds[i].name, name) < 0)
        i++;
    *found = i < preferences->n_kinds && strcmp(preferences->kinds[i].name, name) == 0;
    return i;
}

static void forget(struct preferences *preferences, unsigned place)
{
    preferences->n_kinds--;
    memmove(&preferences->kinds[place], &preferences->kinds[place + 1],
            (preferences->n_kinds - place) * sizeof preferences->kinds[0]);
}

static void insert(struct preferences *preferences, unsigned place, const char *name)
{
    memmove(&preferences->kinds[place + 1], &preferences->kinds[place],
            (preferences->n_kinds - place) * sizeof preferences->kinds[0]);
    preferences->n_kinds++;
    memset(&preferences->kinds[place], 0, sizeof preferences->kinds[0]);
    memcpy(preferences->kinds[place].name, name, strlen(name));
}

static void read_kind(struct preferences *preferences, const char *name, const fbx_value *value,
                      struct arguments *arguments)
{
    bool found;
    unsigned place = place_of(preferences, name, &found);
    if (value->type == FBX_NIL) {
        if (found)
            forget(preferences, place);
        return;
    }
    if (!found && preferences->n_kinds == PREFERENCES_KINDS_MAX) {
        arguments_refuse(arguments, "kinds: there is room for %u", PREFERENCES_KINDS_MAX);
        return;
    }
    if (!found)
        insert(preferences, place, name);
    read_choice(&preferences->kinds[place].choice, value, arguments, "kinds", true);
}

static void read_kinds(struct preferences *preferences, const fbx_value *map,
                       struct arguments *arguments)
{
    fbx_value key, value;
    const unsigned char *cursor = NULL;
    while (fbx_next(map, &cursor, &key) && fbx_next(map, &cursor, &value)) {
        char name[PREFERENCES_KIND_SIZE];
        if (fbx_as_text(&key, name, sizeof name) && name_valid_topic(slice_of(name)))
            read_kind(preferences, name, &value, arguments);
        else
            arguments_refuse(arguments, "kinds: each is named like a topic, in at most %u bytes",
                             PREFERENCES_KIND_SIZE - 1);
    }
}

static bool is_said(const fbx_value *value)
{
    return value->type != FBX_NONE && value->type != FBX_NIL;
}

void preferences_read(struct preferences *preferences, struct arguments *arguments)
{
    if (arguments->map.type != FBX_MAP)
        return;
    fbx_value channels = fbx_map_get(&arguments->map, "channels");
    fbx_value kinds = fbx_map_get(&arguments->map, "kinds");
    if (is_said(&channels))
        read_choice(&preferences->channels, &channels, arguments, "channels", false);
    if (is_said(&kinds) && kinds.type != FBX_MAP)
        arguments_refuse(arguments, "kinds: must be a map of kinds of events");
    else if (is_said(&kinds))
        read_kinds(preferences, &kinds, arguments);
}

/* ---- writing ---- */

static void write_choice(const struct choice *choice, fbx_writer *w)
{
    fbx_write_map(w, (uint32_t)__builtin_popcount(choice->said));
    for (unsigned channel = 0; channel < CHANNELS; channel++) {
        if (!(choice->said & 1u << channel))
            continue;
        fbx_write_text(w, names[channel]);
        fbx_write_bool(w, choice->on & 1u << channel);
    }
}

void preferences_write(const struct preferences *preferences, fbx_writer *w)
{
    fbx_write_text(w, "channels");
    write_choice(&preferences->channels, w);
    fbx_write_text(w, "kinds");
    fbx_write_map(w, preferences->n_kinds);
    for (unsigned i = 0; i < preferences->n_kinds; i++) {
        fbx_write_text(w, preferences->kinds[i].name);
        write_choice(&preferences->kinds[i].choice, w);
    }
}

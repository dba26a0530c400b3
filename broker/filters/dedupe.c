/* dedupe.c - a call that comes again with the same idempotency key gets the same answer, and is
 * made once (core/answers.h). The key is the user's own, for one method of one service. It stands
 * behind the meter: an answer that is given again is not used again. */
#include "core/answers.h"
#include "core/state.h"
#include "filters/filters.h"

#include <sodium.h>

#define TEXT_ANOTHER_REQUEST "the idempotency key was used for another request"
#define TEXT_UNREADABLE "the answer that was kept cannot be read"

#define DIGEST_BYTES 32u
#define DIGEST_TEXT_BYTES (1 + 2 * DIGEST_BYTES + 1)

/* What no caller can say itself stands in front. */
static struct slice digest_of(struct core *core, struct slice key)
{
    uint8_t digest[DIGEST_BYTES];
    char *text = arena_alloc(&core->arena, DIGEST_TEXT_BYTES);
    crypto_generichash(digest, sizeof digest, key.data, key.len, NULL, 0);
    text[0] = '\x01';
    sodium_bin2hex(text + 1, DIGEST_TEXT_BYTES - 1, digest, sizeof digest);
    return slice_of(text);
}

static struct slice key_of(struct core *core, const struct call *call)
{
    struct slice parts[] = {
        call->identity->tenant,         call->identity->user,
        slice_of(call->service->key),   slice_make(call->method, call->method_len),
        call->request->idempotency_key,
    };
    const size_t n = sizeof parts / sizeof *parts;
    struct slice key = arena_join(&core->arena, parts, n);
    if (key.len <= IO_KEY_MAX)
        return key;
    parts[n - 1] = digest_of(core, parts[n - 1]);
    return arena_join(&core->arena, parts, n);
}

static void hash_of(const struct wire_request *request, uint8_t *out)
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, ANSWER_HASH_BYTES);
    crypto_generichash_update(&state, request->content_type.data, request->content_type.len);
    crypto_generichash_update(&state, (const uint8_t *)"", 1);
    crypto_generichash_update(&state, request->payload.data, request->payload.len);
    crypto_generichash_final(&state, out, ANSWER_HASH_BYTES);
}

/* Control characters are ours: NUL to tell parts apart, another for digests. */
static bool key_valid(struct slice key)
{
    if (key.len > ANSWER_KEY_MAX)
        return false;
    for (size_t i = 0; i < key.len; i++)
        if (key.data[i] < ' ')
            return false;
    return true;
}

static enum verdict answer_again(struct core *core, struct call *call, struct answer *answer,
                                 struct slice key, const uint8_t *hash, struct refusal *refusal)
{
    if (memcmp(answer->hash, hash, ANSWER_HASH_BYTES) != 0)
        return refuse(refusal, STATUS_INVALID_ARGUMENT, TEXT_ANOTHER_REQUEST);
    if (answer->leader) {
        answers_wait(answer, call);
        return VERDICT_WAIT;
    }
    switch (answers_give(core, answer, call)) {
    case ANSWER_GIVEN:
        return VERDICT_WAIT;
    case ANSWER_UNREADABLE:
        return refuse(refusal, STATUS_UNAVAILABLE, TEXT_UNREADABLE);
    case ANSWER_LOST:
        break;
    }
    answers_begin(core, key, hash, call);
    return VERDICT_PASS;
}

/* The same, said and not done. */
static enum verdict rehearse(struct core *core, struct call *call, struct slice key,
                             const uint8_t *hash, struct refusal *refusal)
{
    const struct answer *answer = answers_peek(core, key);
    refusal->message = "nothing is known of this key: the call is made";
    if (!answer)
        return VERDICT_PASS;
    if (call->dry->has_payload && memcmp(answer->hash, hash, ANSWER_HASH_BYTES) != 0)
        return refuse(refusal, STATUS_INVALID_ARGUMENT, TEXT_ANOTHER_REQUEST);
    if (answer->leader) {
        refusal->message = "a call with this key is under way: it gets the same answer";
        return VERDICT_WAIT;
    }
    switch (answers_look(core, answer, &refusal->status)) {
    case ANSWER_GIVEN:
        call->replayed = true;
        refusal->message = "it gets the answer that was kept for this key";
        return VERDICT_WAIT;
    case ANSWER_UNREADABLE:
        return refuse(refusal, STATUS_UNAVAILABLE, TEXT_UNREADABLE);
    case ANSWER_LOST:
        refusal->message = "the answer that was kept is damaged: the call is made again";
        break;
    }
    return VERDICT_PASS;
}

static enum verdict on_request(struct core *core, struct call *call, struct refusal *refusal)
{
    uint8_t hash[ANSWER_HASH_BYTES];
    if (call->request->idempotency_key.len == 0 || call->stream || call->service->builtin)
        return VERDICT_PASS;
    if (!key_valid(call->request->idempotency_key))
        return refuse(
            refusal, STATUS_INVALID_ARGUMENT,
            "the idempotency key is longer than 128 bytes, or has a control character in it");
    struct slice key = key_of(core, call);
    hash_of(call->request, hash);
    if (call->dry)
        return rehearse(core, call, key, hash, refusal);
    struct answer *answer = answers_find(core, key);
    if (answer)
        return answer_again(core, call, answer, key, hash, refusal);
    answers_begin(core, key, hash, call);
    return VERDICT_PASS;
}

/* Its caller has heard of it, but the service may still be at work: its answer will tell. */
static bool goes_on(const struct call *call)
{
    return call->state == CALL_SERVING && call->instance && !call->answered;
}

static void on_reply(struct core *core, struct call *call, const struct wire_reply *reply)
{
    bool heard = call->caller || call->exchange;
    if (!call->answer || (goes_on(call) && reply->status != STATUS_OUTCOME_UNKNOWN))
        return;
    call_settle(core, call, call->answered ? reply : NULL, heard);
}

const struct filter filter_dedupe = {
    .name = "dedupe",
    .needs = FACT_IDENTITY | FACT_SERVICE | FACT_ENTITLED,
    .optional = true,
    .request = on_request,
    .reply = on_reply,
};

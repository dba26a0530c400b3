/* Tokens taken back, and keys that follow one another, by an operator in a shell. */
#include "inspect.h"

#include "token/token.h"

#include <stdlib.h>
#include <time.h>

#define AS_OPERATOR " --token-file \"$OPERATOR\""

static const char *const hearing[] = {"call:puppet.*", "subscribe:news", NULL};

/* Issued some seconds ago. */
static char *token_of(const char *user, const char *id)
{
    int64_t now = (int64_t)time(NULL);
    const struct token_claims claims = {
        .tenant = "acme",
        .user = (char *)(uintptr_t)user,
        .tier = "pro",
        .id = (char *)(uintptr_t)id,
        .permissions = (char **)(uintptr_t)hearing,
        .n_permissions = 2,
        .issued_s = now - 10,
        .expires_s = now + 3600,
    };
    char *token = token_mint(place->key, &claims, now);
    assert_non_null(token);
    return token;
}

static int call_for(fbx_bus *bus, const char *token)
{
    const fbx_call_options options = {.token = token, .terms = true};
    fbx_reply *reply = NULL;
    assert_int_equal(fbx_call(bus, "puppet", "echo", (fbx_bytes){"\x01", 1}, &options, &reply), 0);
    int status = fbx_reply_status(reply);
    assert_string_equal(fbx_reply_tenant(reply), status == FBX_OK ? "acme" : "");
    assert_string_equal(fbx_reply_tier(reply), status == FBX_OK ? "pro" : "");
    fbx_reply_free(reply);
    return status;
}

static void ignore_event(void *arg, const fbx_event *event)
{
    (void)arg;
    (void)event;
}

static void on_over(void *arg, int status, const char *message)
{
    (void)message;
    assert_int_equal(status, FBX_UNAUTHENTICATED);
    sem_post(arg);
}

static void on_state(void *arg, bool connected)
{
    if (!connected)
        sem_post(arg);
}

static void test_one_token_is_taken_back(void **state)
{
    (void)state;
    sem_t over, gone;
    sem_init(&over, 0, 0);
    sem_init(&gone, 0, 0);
    char *bad = token_of("eve", "leaked-1"), *good = token_of("eve", "kept-1");
    fbx_bus *gate = place_connect(place, "platform", "gate", hearing), *eve = NULL;
    const fbx_options options = {
        .url = place->url, .token = bad, .on_state = on_state, .on_state_arg = &gone};
    const fbx_subscribe_options hears = {.token = bad, .on_over = on_over};
    assert_int_equal(fbx_connect(&eve, &options), 0);
    assert_int_equal(fbx_subscribe(gate, "news", &hears, ignore_event, &over, NULL), 0);
    assert_int_equal(call_for(gate, bad), FBX_OK);
    ends(0, "farebox token revoke leaked-1" AS_OPERATOR);
    assert_string_equal(output, "");
    assert_int_equal(call_for(gate, bad), FBX_UNAUTHENTICATED);
    assert_int_equal(call_for(gate, good), FBX_OK);
    sem_wait(&over);
    sem_wait(&gone); /* and its own session is not taken back */
    assert_int_equal(fbx_ping(eve, 0), FBX_EREFUSED);
    assert_true(line_with(&place->broker,
                          "event=audit.token what=revoked id=leaked-1 by_tenant=platform "
                          "by_user=ops"));
    ends(0, "farebox token revoked" AS_OPERATOR);
    says("\nleaked-1 ");
    fbx_close(eve);
    fbx_close(gate);
    free(bad);
    free(good);
}

/* Killed before its store has had time to write anything. */
static void test_all_of_a_users_over_a_death(void **state)
{
    (void)state;
    static const char *const lazy[] = {"--commit-ms", "10000", NULL};
    assert_int_equal(place_stop_broker(place, SIGTERM), 0);
    place_start_broker(place, lazy);
    char *token = token_of("bob", "b-1");
    fbx_bus *gate = place_connect(place, "platform", "gate", hearing);
    assert_int_equal(call_for(gate, token), FBX_OK);
    ends(0, "farebox token revoke --tenant acme --user bob" AS_OPERATOR);
    place_stop_broker(place, SIGKILL);
    place_start_broker(place, NULL);
    assert_int_equal(fbx_ping(gate, 0), 0);
    assert_int_equal(call_for(gate, token), FBX_UNAUTHENTICATED);
    fbx_close(gate);
    free(token);
}

static void test_who_may_take_back_what(void **state)
{
    (void)state;
    ends(77, "farebox token revoke x");
    ends(77, "farebox token revoked");
    ends(65, "farebox token revoke" AS_OPERATOR);
    ends(65, "farebox token revoke x --user ann" AS_OPERATOR);
    char *token = token_of("joe", "j-1");
    setenv("FAREBOX_TOKEN", token, 1);
    ends(0, "farebox call bus.tokens logout '{}'");
    ends(77, "farebox call puppet echo 1");
    unsetenv("FAREBOX_TOKEN");
    free(token);
}

/* ---- keys ---- */

static void reload(const struct process *broker)
{
    kill(broker->pid, SIGHUP);
}

static void test_keys_follow_one_another(void **state)
{
    (void)state;
    char url[PLACE_PATH + 8], data[PLACE_PATH + 8], keys[PLACE_PATH + 8];
    snprintf(url, sizeof url, "ipc://%s/other", place->dir);
    snprintf(data, sizeof data, "%s/other-data", place->dir);
    snprintf(keys, sizeof keys, "%s/keys", place->dir);
    setenv("OTHER", url, 1);
    ends(0, "umask 0; farebox token keygen $DIR/keys --secret-file $SECRET --kid first; "
            "stat -c %%a $DIR/keys");
    assert_string_equal(output, "600\n");
    ends(74, "farebox token keygen $DIR/keys"); /* it is there */
    struct process *broker = START("fareboxd ready", "fareboxd", "--listen", url, "--data", data,
                                   "--jwt-keys-file", keys);
    ends(0, "farebox --url $OTHER ping --count 1"); /* by the secret that is the first key now */
    ends(0, "mint() { farebox token mint --keys-file $DIR/keys --tenant acme --user $1 "
            "--tier pro > $DIR/$1; }; mint one && farebox token rotate $DIR/keys --kid second && "
            "mint two; stat -c %%a $DIR/keys");
    assert_string_equal(output, "600\n");
    reload(broker);
    assert_true(line_with(broker, "secret=rotated"));
    ends(0, "farebox --url $OTHER ping --count 1 --token-file $DIR/one");
    ends(0, "farebox --url $OTHER ping --count 1 --token-file $DIR/two");
    ends(77, "farebox --url $OTHER ping --count 1"); /* names no key, and there are two */
    ends(0, "farebox token show --keys-file $DIR/keys --token-file $DIR/one");
    ends(64, "farebox token rotate $DIR/keys --kid second");
    ends(0, "farebox token rotate $DIR/keys --forget");
    reload(broker);
    assert_true(line_with(broker, "secret=rotated"));
    ends(77, "farebox --url $OTHER ping --count 1 --token-file $DIR/two");
    ends(0, "echo '{\"keys\":[]}' > $DIR/keys");
    reload(broker);
    assert_true(line_with(broker, "event=reload.refused"));
    assert_int_equal(process_stop(broker, SIGTERM), 0);
}

/* Of both kinds of files that hold one. */
static void test_a_short_secret_starts_nothing(void **state)
{
    (void)state;
    ends(78,
         "printf %%031d 0 > $DIR/short; chmod 600 $DIR/short; fareboxd --listen ipc://$DIR/none "
         "--data $DIR/none-data --jwt-secret-file $DIR/short");
    says("32");
    ends(78, ": > $DIR/short; fareboxd --listen ipc://$DIR/none --data $DIR/none-data "
             "--jwt-secret-file $DIR/short");
    ends(78, "echo '{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"AAAA\"}]}' > $DIR/short; "
             "fareboxd --listen ipc://$DIR/none --data $DIR/none-data --jwt-keys-file $DIR/short");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_token_is_taken_back),
        cmocka_unit_test(test_all_of_a_users_over_a_death),
        cmocka_unit_test(test_who_may_take_back_what),
        cmocka_unit_test(test_keys_follow_one_another),
        cmocka_unit_test(test_a_short_secret_starts_nothing),
    };
    return cmocka_run_group_tests(tests, inspect_set_up, inspect_tear_down);
}

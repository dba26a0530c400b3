/* Refresh families: only the youngest secret is good, and there are no more than fit. */
#include "../testing.h"

#include "auth/account.h"
#include "auth/ticket.h"

#include <string.h>

#define NOW 1000

static void secret_of(uint8_t out[FAMILY_SECRET_BYTES], unsigned number)
{
    memset(out, (int)number, FAMILY_SECRET_BYTES);
}

/* Under the id, with the secret, of that number. */
static struct family *add(struct families *families, unsigned number, int64_t until_s,
                          int64_t used_s)
{
    uint8_t id[FAMILY_ID_BYTES], secret[FAMILY_SECRET_BYTES];
    memset(id, (int)number, sizeof id);
    secret_of(secret, number);
    struct family *family = families_add(families, id, NOW);
    family_digest(family->digest, secret);
    snprintf(family->token_id, sizeof family->token_id, "token-%u", number);
    family->until_s = until_s;
    family->used_s = used_s;
    return family;
}

static enum family_verdict judge(struct families *families, unsigned number, unsigned secret_number,
                                 int64_t now_s)
{
    uint8_t id[FAMILY_ID_BYTES], secret[FAMILY_SECRET_BYTES];
    struct family *family = NULL;
    memset(id, (int)number, sizeof id);
    secret_of(secret, secret_number);
    enum family_verdict verdict = families_judge(families, id, secret, now_s, &family);
    assert_true((family != NULL) == (verdict != FAMILY_UNKNOWN));
    return verdict;
}

static void only_the_youngest_secret_is_good(void **state)
{
    struct families families = {0};
    uint8_t next[FAMILY_SECRET_BYTES];
    (void)state;
    struct family *family = add(&families, 1, NOW + 10, NOW);
    assert_int_equal(judge(&families, 1, 1, NOW), FAMILY_GOOD);
    secret_of(next, 2);
    family_digest(family->digest, next);
    assert_int_equal(judge(&families, 1, 2, NOW), FAMILY_GOOD);
    assert_int_equal(judge(&families, 1, 1, NOW), FAMILY_REUSED);
    assert_int_equal(judge(&families, 3, 1, NOW), FAMILY_UNKNOWN);
    families_remove(&families, family);
    assert_int_equal(judge(&families, 1, 2, NOW), FAMILY_UNKNOWN);
}

static void what_is_over_is_unknown(void **state)
{
    struct families families = {0};
    (void)state;
    (void)add(&families, 1, NOW + 10, NOW);
    assert_int_equal(judge(&families, 1, 1, NOW + 9), FAMILY_GOOD);
    assert_int_equal(judge(&families, 1, 1, NOW + 10), FAMILY_UNKNOWN);
}

static void of_too_many_the_longest_unused_ends(void **state)
{
    struct families families = {0};
    (void)state;
    for (unsigned i = 0; i < FAMILIES_MAX; i++)
        (void)add(&families, i + 1, NOW + 10, i == 3 ? 1 : 100 + i);
    (void)add(&families, 100, NOW + 10, NOW);
    assert_int_equal(families.n, FAMILIES_MAX);
    assert_int_equal(judge(&families, 4, 4, NOW), FAMILY_UNKNOWN);
    assert_int_equal(judge(&families, 1, 1, NOW), FAMILY_GOOD);
    assert_int_equal(judge(&families, 100, 100, NOW), FAMILY_GOOD);
}

static void ended_ones_make_room_first(void **state)
{
    struct families families = {0};
    (void)state;
    for (unsigned i = 0; i < FAMILIES_MAX; i++)
        (void)add(&families, i + 1, i < 2 ? NOW : NOW + 10, NOW - i);
    (void)add(&families, 100, NOW + 10, NOW);
    assert_int_equal(families.n, FAMILIES_MAX - 1);
    assert_int_equal(judge(&families, FAMILIES_MAX, FAMILIES_MAX, NOW), FAMILY_GOOD);
}

/* A logout with one of its tokens is to find the others. */
static void what_is_over_is_kept_while_it_has_tokens(void **state)
{
    struct families families = {0};
    (void)state;
    add(&families, 1, NOW, NOW)->token_ends_s = NOW + 1;
    add(&families, 2, NOW, NOW)->token_ends_s = NOW;
    (void)add(&families, 3, NOW + 10, NOW);
    assert_int_equal(families.n, 2);
    assert_non_null(families_by_token(&families, "token-1"));
    assert_null(families_by_token(&families, "token-2"));
    assert_int_equal(judge(&families, 1, 1, NOW), FAMILY_UNKNOWN);
}

static void a_family_is_found_by_its_token(void **state)
{
    struct families families = {0};
    (void)state;
    (void)add(&families, 1, NOW + 10, NOW);
    (void)add(&families, 2, NOW + 10, NOW);
    assert_ptr_equal(families_by_token(&families, "token-2"), &families.list[1]);
    assert_null(families_by_token(&families, ""));
}

static void a_ticket_is_read_as_it_was_printed(void **state)
{
    struct ticket ticket = {.tenant = "acme", .user = "ann@example.com"}, read;
    char text[TICKET_TEXT_SIZE], longer[TICKET_TEXT_SIZE + 4];
    (void)state;
    memset(ticket.id, 7, sizeof ticket.id);
    memset(ticket.secret, 9, sizeof ticket.secret);
    ticket_print(&ticket, text);
    assert_true(ticket_read(&read, text));
    assert_string_equal(read.tenant, "acme");
    assert_string_equal(read.user, "ann@example.com");
    assert_memory_equal(read.id, ticket.id, sizeof read.id);
    assert_memory_equal(read.secret, ticket.secret, sizeof read.secret);
    for (size_t len = strlen(text); len-- > 0;) {
        snprintf(longer, sizeof longer, "%.*s", (int)len, text);
        if (ticket_read(&read, longer))
            assert_true(strlen(read.user) < strlen(ticket.user));
    }
    snprintf(longer, sizeof longer, "%s!", text);
    assert_false(ticket_read(&read, longer));
}

static void the_longest_names_fit_a_ticket(void **state)
{
    struct ticket ticket = {.tenant = ""}, read;
    char text[TICKET_TEXT_SIZE];
    (void)state;
    memset(ticket.tenant, 'a', TENANT_SIZE - 1);
    memset(ticket.user, 'b', USER_SIZE - 1);
    ticket_print(&ticket, text);
    assert_true(ticket_read(&read, text));
    assert_string_equal(read.user, ticket.user);
}

static void no_ticket_is_of_a_tenant_called_bus(void **state)
{
    const struct ticket ticket = {.tenant = "bus", .user = "ann"};
    struct ticket read;
    char text[TICKET_TEXT_SIZE];
    (void)state;
    ticket_print(&ticket, text);
    assert_false(ticket_read(&read, text));
}

static void an_account_is_read_as_it_was_written(void **state)
{
    static const char *const permissions[] = {"call:orders.*", "subscribe:news.>"};
    struct account account = {.tenant = "acme",
                              .user = "ann",
                              .hash = "$argon2id$…",
                              .disabled = true,
                              .valid_from_s = 5,
                              .created_ms = 6,
                              .changed_ms = 7,
                              .login_ms = 8};
    struct account read;
    struct buf record = {0};
    (void)state;
    account_set_permissions(&account, permissions, 2);
    (void)add(&account.families, 1, NOW + 10, NOW);
    account_write(&account, &record);
    assert_true(account_read(&read, slice_of("acme/ann"), buf_slice(&record)));
    assert_string_equal(read.user, "ann");
    assert_string_equal(read.hash, account.hash);
    assert_int_equal(read.n_permissions, 2);
    assert_string_equal(read.permissions[1], permissions[1]);
    assert_true(read.disabled && read.valid_from_s == 5 && read.login_ms == 8);
    assert_int_equal(judge(&read.families, 1, 1, NOW), FAMILY_GOOD);
    account_finish(&read);
    for (size_t len = 0; len < record.len; len++)
        assert_false(account_read(&read, slice_of("acme/ann"), slice_make(record.data, len)));
    buf_finish(&record);
    account_finish(&account);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_youngest_secret_is_good),
        cmocka_unit_test(what_is_over_is_unknown),
        cmocka_unit_test(of_too_many_the_longest_unused_ends),
        cmocka_unit_test(ended_ones_make_room_first),
        cmocka_unit_test(what_is_over_is_kept_while_it_has_tokens),
        cmocka_unit_test(a_family_is_found_by_its_token),
        cmocka_unit_test(a_ticket_is_read_as_it_was_printed),
        cmocka_unit_test(the_longest_names_fit_a_ticket),
        cmocka_unit_test(no_ticket_is_of_a_tenant_called_bus),
        cmocka_unit_test(an_account_is_read_as_it_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* How a service is, for whoever asks by HTTP. */
#include "../testing.h"

#include "user-service/health_door.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char body[256];
static size_t body_len;

static bool as_told(void *arg)
{
    return *(bool *)arg;
}

/* A port that was free a moment ago. */
static int find_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static size_t take(char *bytes, size_t size, size_t count, void *arg)
{
    (void)arg;
    assert_true(body_len + size * count < sizeof body);
    memcpy(body + body_len, bytes, size * count);
    body_len += size * count;
    return size * count;
}

static long ask(int port, const char *method, const char *path)
{
    char url[64];
    long status = 0;
    CURL *easy = curl_easy_init();
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", port, path);
    body_len = 0;
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
    assert_int_equal(curl_easy_perform(easy), CURLE_OK);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(easy);
    body[body_len] = '\0';
    return status;
}

static void it_says_how_the_service_is(void **state)
{
    bool well = true;
    char listen[32];
    struct health_door *door;
    int port = find_port();
    (void)state;
    snprintf(listen, sizeof listen, "127.0.0.1:%d", port);
    assert_int_equal(health_door_open(&door, listen, as_told, &well), 0);
    assert_int_equal(ask(port, "GET", "/health"), 200);
    assert_string_equal(body, "{\"status\":\"pass\"}");
    well = false;
    assert_int_equal(ask(port, "GET", "/health"), 503);
    assert_string_equal(body, "{\"status\":\"fail\"}");
    assert_int_equal(ask(port, "GET", "/"), 404);
    assert_int_equal(ask(port, "DELETE", "/health"), 405);
    health_door_close(door);
}

static void it_opens_where_it_is_told_or_not_at_all(void **state)
{
    bool well = true;
    char listen[32];
    struct health_door *door, *second = NULL;
    (void)state;
    assert_int_equal(health_door_open(&door, "localhost", as_told, &well), -EINVAL);
    snprintf(listen, sizeof listen, "127.0.0.1:%d", find_port());
    assert_int_equal(health_door_open(&door, listen, as_told, &well), 0);
    assert_int_equal(health_door_open(&second, listen, as_told, &well), -EADDRINUSE);
    assert_null(second);
    health_door_close(door);
    health_door_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_says_how_the_service_is),
        cmocka_unit_test(it_opens_where_it_is_told_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

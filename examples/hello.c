#include <farebox.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void hello(void *arg, fbx_request *request) /* {"name": "Ada"} -> {"text": "Hello …"} */
{
    char name[64] = "stranger", text[200];
    fbx_value arguments = {0}, value;
    fbx_writer w = {0};
    if (fbx_read(fbx_request_payload(request), &arguments)) {
        value = fbx_map_get(&arguments, "name");
        (void)fbx_as_text(&value, name, sizeof name);
    }
    snprintf(text, sizeof text, "%s, %s of %s", (const char *)arg, name,
             fbx_context_tenant(fbx_request_context(request)));
    fbx_write_map(&w, 1);
    fbx_write_text(&w, "text");
    fbx_write_text(&w, text);
    fbx_respond(request, fbx_written(&w), NULL);
    fbx_writer_free(&w);
}

int main(void)
{
    fbx_bus *bus = NULL;
    fbx_options broker = {.url = getenv("FAREBOX_URL"), .token = getenv("FAREBOX_TOKEN")};
    fbx_service service = {.name = "hello", .handler = hello, .arg = "Hello"};
    int error = fbx_connect(&bus, &broker);
    if (error == 0)
        error = fbx_serve(bus, &service);
    if (error < 0)
        return fprintf(stderr, "hello: %s: %s\n", fbx_error_text(error), fbx_last_error()), 1;
    puts("hello ready");
    return fflush(stdout) != 0 || pause();
}

#include "options.h"

#include "base/mem.h"
#include "base/name.h"
#include "base/token_file.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORKERS_MAX 1024u
#define HEALTH_INTERVAL_MS 10000u
#define DRAIN_MS 10000u
#define DRAIN_MAX_MS 3600000u
#define HEALTH_INTERVAL_MAX_MS 3600000u

static const char help[] =
    "Usage: farebox-host --url URL --token-file FILE [OPTION]... MODULE.so...\n"
    "Runs service modules: connects to the broker once, starts the modules in\n"
    "dependency order, and prints one line when all of them serve.\n"
    "\n"
    "  --url URL                where the broker listens (FAREBOX_URL)\n"
    "  --token-file FILE        holds the token (FAREBOX_TOKEN_FILE)\n"
    "  --token TOKEN            the token itself (better: FAREBOX_TOKEN)\n"
    "  --tls-ca FILE            certificates to trust, for tls+tcp:// URLs\n"
    "  --tls-server-name NAME   whom the broker's must name, if not the URL's host\n"
    "  --name NAME              what the inspector shows (farebox-host)\n"
    "  --workers N              threads for handlers that block (4)\n"
    "  --health-interval-ms N   how often the broker asks how each service is (10000);\n"
    "                           0: never, while the connection lives all is well\n"
    "  --drain-ms N             how long running calls may take at the end (10000)\n"
    "  --set MODULE.KEY=VALUE   a module's setting; may be repeated\n"
    "  --tenant NAME            serve this tenant only, which must be the token's\n"
    "  --tier SERVICE[.METHOD]=TIER\n"
    "                           asks callers for at least this tier, whatever the\n"
    "                           module asks for; may be repeated\n"
    "  --help, --version\n"
    "\n"
    "Module files must be regular files that only trusted users can change.\n"
    "On SIGTERM, SIGINT or SIGHUP services are withdrawn and running calls finish,\n"
    "within --drain-ms; a second signal ends the process at once.\n"
    "\n"
    "Exit status: 0 after a signal; 64 usage; 65 bad module; 66 unreadable file;\n"
    "69 no broker; 70 internal; 77 refused by the broker, or unsafe module file;\n"
    "78 a module could not start.\n";

enum flag {
    FLAG_URL = 256,
    FLAG_TOKEN_FILE,
    FLAG_TOKEN,
    FLAG_TLS_CA,
    FLAG_TLS_NAME,
    FLAG_NAME,
    FLAG_WORKERS,
    FLAG_DRAIN,
    FLAG_HEALTH,
    FLAG_SET,
    FLAG_TENANT,
    FLAG_TIER,
    FLAG_VERSION
};

static const struct option flags[] = {
    {"url", required_argument, NULL, FLAG_URL},
    {"token-file", required_argument, NULL, FLAG_TOKEN_FILE},
    {"token", required_argument, NULL, FLAG_TOKEN},
    {"tls-ca", required_argument, NULL, FLAG_TLS_CA},
    {"tls-server-name", required_argument, NULL, FLAG_TLS_NAME},
    {"name", required_argument, NULL, FLAG_NAME},
    {"workers", required_argument, NULL, FLAG_WORKERS},
    {"drain-ms", required_argument, NULL, FLAG_DRAIN},
    {"health-interval-ms", required_argument, NULL, FLAG_HEALTH},
    {"set", required_argument, NULL, FLAG_SET},
    {"tenant", required_argument, NULL, FLAG_TENANT},
    {"tier", required_argument, NULL, FLAG_TIER},
    {"version", no_argument, NULL, FLAG_VERSION},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct reading {
    struct host_options *options;
    char *token;
    const char *token_file;
};

static enum host_exit __attribute__((format(printf, 1, 2))) wrong(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fputs("farebox-host: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputs("; see farebox-host --help\n", stderr);
    va_end(args);
    return HOST_USAGE;
}

/* Of what may hold a secret, only the name is printed. */
static int name_length(const char *text)
{
    return (int)strcspn(text, "=");
}

static enum host_exit read_setting(struct host_options *options, const char *text)
{
    struct host_setting setting = {.module = mem_strdup(text)};
    setting.value = strchr(setting.module, '=');
    if (setting.value)
        *setting.value++ = '\0';
    setting.key = strchr(setting.module, '.');
    if (setting.key)
        *setting.key++ = '\0';
    if (!setting.value || !setting.key || !*setting.key || !*setting.module) {
        mem_free(setting.module);
        return wrong("--set takes MODULE.KEY=VALUE, not '%.*s%s'", name_length(text), text,
                     strchr(text, '=') ? "=…" : "");
    }
    options->settings = mem_realloc(options->settings, (options->n_settings + 1) * sizeof setting);
    options->settings[options->n_settings++] = setting;
    return HOST_OK;
}

static enum host_exit read_tier(struct host_options *options, const char *text)
{
    struct host_tier tier = {.service = mem_strdup(text)};
    tier.tier = strchr(tier.service, '=');
    if (tier.tier)
        *tier.tier++ = '\0';
    tier.method = strchr(tier.service, '.');
    if (tier.method)
        *tier.method++ = '\0';
    if (!tier.tier || !*tier.tier || !*tier.service || (tier.method && !*tier.method)) {
        mem_free(tier.service);
        return wrong("--tier takes SERVICE=TIER or SERVICE.METHOD=TIER, not '%s'", text);
    }
    options->tiers = mem_realloc(options->tiers, (options->n_tiers + 1) * sizeof tier);
    options->tiers[options->n_tiers++] = tier;
    return HOST_OK;
}

/* An empty one, of a variable that is not set, would serve everybody. */
static enum host_exit read_tenant(struct host_options *options, const char *text)
{
    if (!name_valid_tenant(slice_of(text)))
        return wrong("--tenant takes a tenant's name, not '%s'", text);
    options->tenant = text;
    return HOST_OK;
}

static enum host_exit read_number(uint32_t *out, const char *flag, const char *text,
                                  unsigned long least, unsigned long most)
{
    char *end;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (errno != 0 || text[0] < '0' || text[0] > '9' || *end || number < least || number > most)
        return wrong("%s takes a number from %lu to %lu", flag, least, most);
    *out = (uint32_t)number;
    return HOST_OK;
}

static char *take_secret(char *argument)
{
    char *secret = mem_strdup(argument);
    memset(argument, '*', strlen(argument));
    return secret;
}

static enum host_exit print_and_finish(struct host_options *options, const char *text)
{
    options->done = true;
    return fputs(text, stdout) < 0 || fflush(stdout) != 0 ? HOST_INTERNAL : HOST_OK;
}

static enum host_exit read_flag(struct reading *reading, int flag, char **argv)
{
    struct host_options *options = reading->options;
    switch (flag) {
    case FLAG_URL:
        options->url = optarg;
        return HOST_OK;
    case FLAG_TOKEN_FILE:
        reading->token_file = optarg;
        return HOST_OK;
    case FLAG_TOKEN:
        mem_free(reading->token);
        reading->token = take_secret(optarg);
        return HOST_OK;
    case FLAG_TLS_CA:
        options->tls_ca_file = optarg;
        return HOST_OK;
    case FLAG_TLS_NAME:
        options->tls_server_name = optarg;
        return HOST_OK;
    case FLAG_NAME:
        options->name = optarg;
        return HOST_OK;
    case FLAG_WORKERS:
        return read_number(&options->workers, "--workers", optarg, 1, WORKERS_MAX);
    case FLAG_DRAIN:
        return read_number(&options->drain_ms, "--drain-ms", optarg, 0, DRAIN_MAX_MS);
    case FLAG_HEALTH:
        return read_number(&options->health_interval_ms, "--health-interval-ms", optarg, 0,
                           HEALTH_INTERVAL_MAX_MS);
    case FLAG_SET:
        return read_setting(options, optarg);
    case FLAG_TENANT:
        return read_tenant(options, optarg);
    case FLAG_TIER:
        return read_tier(options, optarg);
    case FLAG_VERSION:
        return print_and_finish(options, "farebox-host " FAREBOX_VERSION "\n");
    case 'h':
        return print_and_finish(options, help);
    case ':':
        return wrong("%s needs a value", argv[optind - 1]);
    default:
        return wrong("there is no option %.*s", name_length(argv[optind - 1]), argv[optind - 1]);
    }
}

static enum host_exit read_flags(struct reading *reading, int argc, char **argv)
{
    enum host_exit exit_status = HOST_OK;
    optind = 0; /* getopt's way of starting afresh */
    opterr = 0;
    for (int flag; exit_status == HOST_OK && !reading->options->done &&
                   (flag = getopt_long(argc, argv, ":h", flags, NULL)) != -1;)
        exit_status = read_flag(reading, flag, argv);
    reading->options->files = (const char *const *)argv + optind;
    reading->options->n_files = (size_t)(argc - optind);
    return exit_status;
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static enum host_exit find_token(struct reading *reading)
{
    struct host_options *options = reading->options;
    if (reading->token && reading->token_file)
        return wrong("--token and --token-file say the same twice");
    if (!reading->token && !reading->token_file) {
        const char *token = environment("FAREBOX_TOKEN");
        reading->token = token ? mem_strdup(token) : NULL;
        reading->token_file = environment("FAREBOX_TOKEN_FILE");
    }
    options->token = reading->token;
    reading->token = NULL;
    if (options->token)
        return HOST_OK;
    if (!reading->token_file)
        return wrong("a token is needed: --token-file or FAREBOX_TOKEN_FILE");
    int rc = token_file_read(&options->token, reading->token_file);
    if (rc == 0)
        return HOST_OK;
    (void)fprintf(stderr, "farebox-host: %s: %s\n", reading->token_file,
                  rc == -EBADMSG ? "holds no token" : strerror(-rc));
    return HOST_NO_INPUT;
}

static enum host_exit complete(struct reading *reading)
{
    struct host_options *options = reading->options;
    if (!options->url)
        options->url = environment("FAREBOX_URL");
    if (!options->url)
        return wrong("a broker is needed: --url or FAREBOX_URL");
    if (options->n_files == 0)
        return wrong("which modules?");
    return find_token(reading);
}

enum host_exit host_options_read(struct host_options *options, int argc, char **argv)
{
    *options = (struct host_options){
        .name = "farebox-host", .drain_ms = DRAIN_MS, .health_interval_ms = HEALTH_INTERVAL_MS};
    struct reading reading = {.options = options};
    enum host_exit exit_status = read_flags(&reading, argc, argv);
    if (exit_status == HOST_OK && !options->done)
        exit_status = complete(&reading);
    mem_free(reading.token);
    return exit_status;
}

void host_options_finish(struct host_options *options)
{
    for (size_t i = 0; i < options->n_settings; i++)
        mem_free(options->settings[i].module);
    mem_free(options->settings);
    for (size_t i = 0; i < options->n_tiers; i++)
        mem_free(options->tiers[i].service);
    mem_free(options->tiers);
    mem_free(options->token);
}

/*
 * Without memory: what a service reads at its start. It does not start then, and says so.
 */
#include "failing_alloc.h"

#include "gateway_settings.h"
#include "openapi.h"
#include "service_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char secret_file[] = "/tmp/tempmessenger-alloc-XXXXXX";

static enum error_code load(const struct settings_program *program, int argc, char *const argv[],
                            char *const envp[], void *settings, size_t size)
{
    char said[1024] = "";
    failing_alloc_pause();
    FILE *err = fmemopen(said, sizeof said, "w");
    failing_alloc_resume();
    enum settings_outcome outcome = settings_load(program, argc, argv, envp, err, err, settings);
    failing_alloc_pause();
    fclose(err);
    REQUIRE(outcome == SETTINGS_OK || outcome == SETTINGS_INVALID);
    REQUIRE(!said[0] == (outcome == SETTINGS_OK));
    if (outcome == SETTINGS_OK)
        settings_fini(program, settings);
    for (size_t i = 0; i < program->count; i++) {
        const struct setting *setting = &program->settings[i];
        bool text = setting->kind == SETTING_TEXT || setting->kind == SETTING_SECRET;
        REQUIRE(setting->offset < size);
        REQUIRE(!text || !*(char **)(void *)((char *)settings + setting->offset));
    }
    failing_alloc_resume();
    return outcome == SETTINGS_OK ? ERROR_NONE : ERROR_INTERNAL;
}

static enum error_code gateway_loaded(void)
{
    char token[64];
    snprintf(token, sizeof token, "SERVICE_TOKEN_FILE=%s", secret_file);
    char *const argv[] = {(char[]){"gateway"}, (char[]){"--port"}, (char[]){"1"},
                          (char[]){"--rate-limit=off"}, NULL};
    char *const envp[] = {token,
                          (char[]){"TRUSTED_PROXIES=10.0.0.0/8,::1"},
                          (char[]){"ALLOWED_ORIGINS=https://example.org"},
                          (char[]){"LOG_LEVEL=debug"},
                          (char[]){"UPSTREAM_TIMEOUT=1s"},
                          NULL};
    struct gateway_settings settings = {0};
    return load(&gateway_settings_program, 4, argv, envp, &settings, sizeof settings);
}
/* A file's memory that is too much may stay. */
FAILING_ALLOC_TEST_TOLERANT(test_gateway_settings__out_of_memory_loads_nothing, gateway_loaded)

static enum error_code service_loaded(void)
{
    char *const argv[] = {(char[]){"service"}, (char[]){"--store-url"}, (char[]){"memory:"}, NULL};
    char *const envp[] = {(char[]){"MESSAGE_MAX_BYTES=100"}, NULL};
    struct service_settings settings = {0};
    return load(&service_settings_program, 3, argv, envp, &settings, sizeof settings);
}
FAILING_ALLOC_TEST(test_service_settings__out_of_memory_loads_nothing, service_loaded)

static enum error_code documents(void)
{
    struct openapi *openapi = NULL;
    struct error err = {0};
    enum error_code code =
        openapi_make("{\"info\":{\"title\":\"shared\"},\"paths\":{\"a\":[1]}}",
                     "{\"info\":{\"title\":\"own\"},\"paths\":{\"b\":\"c\"}}", &openapi, &err);
    REQUIRE(!code == (openapi != NULL) && !code == !err.cause[0]);
    REQUIRE(code || (strstr(openapi->json, "\"own\"") && strstr(openapi->json, "\"version\"")));
    REQUIRE(code || (strstr(openapi->json, "\"a\"") && strstr(openapi->json, "\"c\"")));
    openapi_free(openapi);
    return code;
}
FAILING_ALLOC_TEST(test_openapi__out_of_memory_makes_no_half_a_document, documents)

int main(void)
{
    const TTest *const tests[] = {
        test_gateway_settings__out_of_memory_loads_nothing,
        test_service_settings__out_of_memory_loads_nothing,
        test_openapi__out_of_memory_makes_no_half_a_document,
    };
    int fd = mkstemp(secret_file);
    if (fd < 0 || write(fd, "token\n", 6) != 6)
        return EXIT_FAILURE;
    close(fd);
    int status = failing_alloc_main("alloc_settings", tests, sizeof tests / sizeof *tests);
    unlink(secret_file);
    return status;
}

/*
 * What the framework alone can do: Ulfius with one endpoint, in the pool mode that the services run
 * it in, answering every request with the bytes of a file. The measure for `GET /messages`.
 *
 *   bench_bare_ulfius PORT THREADS CONTENT_TYPE FILE
 *
 * The options of libmicrohttpd that cost something are the services' own; nothing else is done.
 */
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <ulfius.h>

enum { ANSWER_MAX = 1024 * 1024, CONNECTIONS_MAX = 10000 };

struct answer {
    const char *content_type;
    char bytes[ANSWER_MAX];
    size_t len;
};

static struct answer answer;

static int respond(const struct _u_request *request, struct _u_response *response, void *context)
{
    (void)request;
    const struct answer *given = context;
    u_map_put(response->map_header, "Content-Type", given->content_type);
    ulfius_set_binary_body_response(response, 200, given->bytes, given->len);
    return U_CALLBACK_COMPLETE;
}

static bool read_answer(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    answer.len = fread(answer.bytes, 1, sizeof answer.bytes, file);
    bool whole = !ferror(file) && answer.len < sizeof answer.bytes;
    fclose(file);
    return whole;
}

static bool start(struct _u_instance *instance, unsigned port, unsigned threads)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)mhd_request_completed, NULL},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)ulfius_uri_logger, NULL},
        {MHD_OPTION_SOCK_ADDR, 0, &address},
        {MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, NULL},
        {MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)threads, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    return ulfius_init_instance(instance, port, NULL, NULL) == U_OK &&
           ulfius_set_default_endpoint(instance, respond, &answer) == U_OK &&
           ulfius_start_framework_with_mhd_options(instance, MHD_USE_EPOLL_INTERNAL_THREAD,
                                                   options) == U_OK;
}

int main(int argc, char *argv[])
{
    if (argc != 5 || !read_answer(argv[4])) {
        fprintf(stderr, "usage: bench_bare_ulfius PORT THREADS CONTENT_TYPE FILE\n");
        return EXIT_FAILURE;
    }
    answer.content_type = argv[3];
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);

    struct _u_instance instance;
    if (!start(&instance, (unsigned)strtoul(argv[1], NULL, 10),
               (unsigned)strtoul(argv[2], NULL, 10))) {
        fprintf(stderr, "cannot start on port %s\n", argv[1]);
        return EXIT_FAILURE;
    }
    int signal_number;
    sigwait(&signals, &signal_number);
    ulfius_stop_framework(&instance);
    ulfius_clean_instance(&instance);
    return EXIT_SUCCESS;
}

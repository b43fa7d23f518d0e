/*
 * fork, exec, and a poll for the first PONG. PR_SET_PDEATHSIG ties the server's life to its
 * parent's, so that not even an aborted or killed test leaves one running; directories are made
 * inside one that the program removes at its end.
 */
#include "redis_server.h"

#include <errno.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    BASE_SIZE = 32,
    DIRECTORY_SIZE = 64,
    PATH_SIZE = 96,
    POLL_MS = 5,
    WAIT_MS = 10000,
    START_TRIES = 5
};

struct redis_server {
    struct redis_server_options options;
    char directory[DIRECTORY_SIZE];
    char socket[PATH_SIZE];
    int port;  /* 0: the socket */
    pid_t pid; /* 0: stopped */
};

static char base[BASE_SIZE];

__attribute__((noreturn)) static void give_up(const char *what)
{
    fprintf(stderr, "redis_server: %s: %s\n", what, strerror(errno));
    abort();
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static void remove_tree(const char *path)
{
    nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

void redis_server_begin(void)
{
    snprintf(base, sizeof base, "/tmp/redis-server-XXXXXX");
    if (!mkdtemp(base))
        give_up("mkdtemp");
}

void redis_server_end(void)
{
    remove_tree(base);
}

static void pause_ms(long ms)
{
    struct timespec time = {0, ms * 1000000};
    nanosleep(&time, NULL);
}

/* A port that was free a moment ago. */
static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        give_up("no free port");
    close(fd);
    return ntohs(address.sin_port);
}

static void run(const struct redis_server *server, pid_t parent)
{
    char port[16];
    snprintf(port, sizeof port, "%d", server->port);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    execlp("redis-server", "redis-server", "--port", port, "--bind", "127.0.0.1", "--unixsocket",
           server->socket, "--dir", server->directory, "--logfile", "redis.log", "--save", "",
           "--appendonly", server->options.appendonly ? "yes" : "no", "--daemonize", "no",
           "--requirepass", server->options.password ? server->options.password : "", (char *)NULL);
    _exit(127);
}

/* A connection that is signed in, or NULL. The socket serves for this where clients use TCP too. */
static redisContext *connect_to(const struct redis_server *server)
{
    struct timeval timeout = {5, 0};
    redisContext *context = redisConnectUnixWithTimeout(server->socket, timeout);
    if (!context || context->err) {
        if (context)
            redisFree(context);
        return NULL;
    }
    redisSetTimeout(context, timeout);
    if (server->options.password)
        freeReplyObject(redisCommand(context, "AUTH %s", server->options.password));
    return context;
}

static bool answers(const struct redis_server *server)
{
    redisContext *context = connect_to(server);
    if (!context)
        return false;
    redisReply *reply = redisCommand(context, "PING");
    bool pong = reply && reply->type == REDIS_REPLY_STATUS;
    freeReplyObject(reply);
    redisFree(context);
    return pong;
}

static bool ended(struct redis_server *server)
{
    if (waitpid(server->pid, NULL, WNOHANG) != server->pid)
        return false;
    server->pid = 0;
    return true;
}

/* Starts the process; false if it ended before it answered, as where its port was taken. */
static bool launch(struct redis_server *server)
{
    pid_t parent = getpid();
    server->pid = fork();
    if (server->pid < 0)
        give_up("fork");
    if (server->pid == 0)
        run(server, parent);
    for (int waited = 0; waited < WAIT_MS; waited += POLL_MS) {
        if (answers(server))
            return true;
        if (ended(server))
            return false;
        pause_ms(POLL_MS);
    }
    give_up("it does not answer");
}

struct redis_server *redis_server_start(const struct redis_server_options *options)
{
    struct redis_server *server = calloc(1, sizeof *server);
    if (!server)
        give_up("calloc");
    server->options = *options;
    snprintf(server->directory, sizeof server->directory, "%s/XXXXXX", base);
    if (!mkdtemp(server->directory))
        give_up("mkdtemp");
    snprintf(server->socket, sizeof server->socket, "%s/redis.sock", server->directory);
    for (int tries = 0; tries < START_TRIES; tries++) {
        server->port = options->tcp ? free_port() : 0;
        if (launch(server))
            return server;
    }
    give_up("it does not start");
}

void redis_server_stop(struct redis_server *server)
{
    if (!server->pid)
        return;
    kill(server->pid, SIGCONT);
    kill(server->pid, SIGTERM);
    for (int waited = 0; waited < WAIT_MS; waited += POLL_MS) {
        if (ended(server))
            return;
        pause_ms(POLL_MS);
    }
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    server->pid = 0;
}

void redis_server_restart(struct redis_server *server)
{
    redis_server_stop(server);
    if (!launch(server))
        give_up("it does not start again");
}

void redis_server_pause(const struct redis_server *server)
{
    /* The signal is asynchronous: wait until it has stopped. */
    kill(server->pid, SIGSTOP);
    waitpid(server->pid, NULL, WUNTRACED);
}

void redis_server_resume(const struct redis_server *server)
{
    kill(server->pid, SIGCONT);
}

void redis_server_free(struct redis_server *server)
{
    if (!server)
        return;
    redis_server_stop(server);
    remove_tree(server->directory);
    free(server);
}

void redis_server_url(const struct redis_server *server, const char *userinfo, const char *db,
                      char ret_url[REDIS_SERVER_URL_SIZE])
{
    if (server->port)
        snprintf(ret_url, REDIS_SERVER_URL_SIZE, "redis://%s127.0.0.1:%d%s", userinfo, server->port,
                 db);
    else
        snprintf(ret_url, REDIS_SERVER_URL_SIZE, "unix://%s", server->socket);
}

redisReply *redis_server_command(const struct redis_server *server, const char *format, ...)
{
    redisContext *context = connect_to(server);
    if (!context)
        give_up("cannot connect");
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = redisvCommand(context, format, arguments);
    va_end(arguments);
    if (!reply)
        give_up(context->errstr);
    redisFree(context);
    return reply;
}

/*
 * A real redis-server of a test's own, in a directory of its own, on a unix socket or a free TCP
 * port. It ends with the process that started it, however that ends: a failed test leaves nothing.
 *
 * A failure to start aborts the program: without a server there is nothing to test. Start, stop and
 * restart from the process' first thread: the server ends with the thread that started it.
 */
#ifndef TEMPMESSENGER_TESTS_REDIS_SERVER_H
#define TEMPMESSENGER_TESTS_REDIS_SERVER_H

#include <hiredis/hiredis.h>
#include <stdbool.h>

enum { REDIS_SERVER_URL_SIZE = 256 };

struct redis_server;

struct redis_server_options {
    bool tcp;             /* false: a unix socket */
    bool appendonly;      /* whether messages survive a restart */
    const char *password; /* NULL: none; borrowed for the server's life */
};

/* Makes and removes the directory that holds the servers' own: before the first start, and last. */
void redis_server_begin(void);
void redis_server_end(void);

/* Starts a server and waits until it answers. Free with redis_server_free. */
struct redis_server *redis_server_start(const struct redis_server_options *options);

/* Stops it as an operator would, and waits until it is gone. Does nothing where it is stopped. */
void redis_server_stop(struct redis_server *server);

/* Stops it if it runs, and starts it with the same address and the same data. */
void redis_server_restart(struct redis_server *server);

/* Holds it still (SIGSTOP), lets it go on (SIGCONT). */
void redis_server_pause(const struct redis_server *server);
void redis_server_resume(const struct redis_server *server);

/* Stops it and removes its directory. Takes NULL. */
void redis_server_free(struct redis_server *server);

/* STORE_URL of the server: `userinfo` ("user:password@", or "") stands before the host, `db` ("/1",
 * or "") at the end; both are for TCP only. */
void redis_server_url(const struct redis_server *server, const char *userinfo, const char *db,
                      char ret_url[REDIS_SERVER_URL_SIZE]);

/* Sends one command, arguments as in redisCommand, over a connection of its own. The caller frees
 * the reply with freeReplyObject. */
redisReply *redis_server_command(const struct redis_server *server, const char *format, ...);

#endif

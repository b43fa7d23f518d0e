/*
 * A connection that was taken out of libmicrohttpd with the head of its answer sent: whoever has it
 * writes the rest to the socket and closes it.
 *
 * A connection that is taken goes on counting as a request under way, for the drain and for the
 * limits; its line in the access log is written when it is closed.
 */
#ifndef TEMPMESSENGER_HTTP_TAKEOVER_H
#define TEMPMESSENGER_HTTP_TAKEOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_connection;
struct http_exchange;
struct http_server;
struct http_access_log_kept;

enum {
    /* What the kernel may hold of an answer that its reader does not take. */
    HTTP_TAKEOVER_SEND_BUFFER = 128 * 1024,
    /* A peer that acknowledges nothing for so long is gone. */
    HTTP_TAKEOVER_PEER_TIMEOUT_MS = 30 * 1000,
};

struct http_takeover {
    int fd;       /* non-blocking, sends without delay */
    bool chunked; /* each piece goes as a chunk (RFC 9112, 7.1); false: as it is, for HTTP/1.0 */

    /* The rest is http_takeover.c's. */
    struct http_server *server;
    struct http_connection *connection;
    struct http_access_log_kept *log; /* NULL: no line is wanted */
};

/*
 * Takes the exchange's connection, whose head has been sent, from within the content reader of its
 * answer, which must then return MHD_CONTENT_READER_END_WITH_ERROR. NULL, and nothing has changed,
 * where there is no descriptor or no memory.
 */
struct http_takeover *http_takeover_new(struct http_exchange *exchange);

/* Closes the connection. Any thread; once. */
void http_takeover_close(struct http_takeover *takeover);

#endif

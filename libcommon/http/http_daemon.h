/*
 * Ulfius and libmicrohttpd, held at arm's length: what they call, and what is asked of them.
 */
#ifndef TEMPMESSENGER_HTTP_DAEMON_H
#define TEMPMESSENGER_HTTP_DAEMON_H

#include <stdbool.h>

struct http_server;

/* Starts to serve on the server's listening socket, which is the library's from then on. */
bool http_daemon_start(struct http_server *server);

/* Ends what is left. No request may wait. */
void http_daemon_stop(struct http_server *server);

#endif

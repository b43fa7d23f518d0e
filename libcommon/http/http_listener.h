/*
 * The socket that is listened on. It is ours, not libmicrohttpd's, so that an address in use is an
 * error with a reason, and port 0 is of use.
 */
#ifndef TEMPMESSENGER_HTTP_LISTENER_H
#define TEMPMESSENGER_HTTP_LISTENER_H

#include <stdint.h>

/* Listens on an IPv4 or IPv6 address; *ret_port is the port's number, also where `port` is 0. The
 * descriptor, or -1 with errno set. */
int http_listener_open(const char *address, unsigned port, unsigned *ret_port);

/* Stops listening, though libmicrohttpd has the descriptor; it stays taken until that closes it. */
void http_listener_stop(int fd);

/* How many connections were closed at once because the process was out of descriptors. */
uint64_t http_listener_refused(void);

#endif

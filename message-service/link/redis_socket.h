/*
 * A socket that is connected to a Redis.
 */
#ifndef TEMPMESSENGER_REDIS_SOCKET_H
#define TEMPMESSENGER_REDIS_SOCKET_H

#include "error.h"
#include "redis_url.h"

#include <stdint.h>

/*
 * Connects to where `url` says, all before `deadline_us` on CLOCK_MONOTONIC, which includes
 * resolving a host name. *ret_fd does not block and is the caller's to close. UNAVAILABLE: the
 * server cannot be reached in time, or `stop_fd` (-1: none) became readable. Any thread.
 */
enum error_code redis_socket_connect(const struct redis_url *url, uint64_t deadline_us, int stop_fd,
                                     int *ret_fd, struct error *err) ERROR_MUST_USE;

#endif

/*
 * Kept-alive connections to one server: as many libcurl handles as calls are allowed at one time.
 *
 * Any thread may borrow; a borrowed handle is one thread's until it is given back.
 */
#ifndef TEMPMESSENGER_CURL_POOL_H
#define TEMPMESSENGER_CURL_POOL_H

#include <curl/curl.h>
#include <stdint.h>

struct curl_pool;

/* A pool of at most `size` handles, made when they are first needed. NULL when out of memory. */
struct curl_pool *curl_pool_new(unsigned size);

/* All handles must have been given back. Takes NULL. */
void curl_pool_free(struct curl_pool *pool);

/* A handle with no options set, but perhaps with a kept connection; waits at most `wait_ms` for
 * one to be given back. NULL when there is none, or no memory. */
CURL *curl_pool_borrow(struct curl_pool *pool, uint64_t wait_ms);

/* Gives a handle back and forgets its options. */
void curl_pool_return(struct curl_pool *pool, CURL *handle);

/* The server is not well: closes the connection of a handle that was borrowed, which is then given
 * back, and those of all handles that nobody has borrowed. */
void curl_pool_discard(struct curl_pool *pool, CURL *handle);

#endif

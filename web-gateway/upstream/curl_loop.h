/*
 * libcurl's multi interface on an epoll set of its own: a turn costs what has moved, however many
 * transfers there are.
 *
 * One thread turns the loop and is the only one to touch its multi handle. Any thread may wake it.
 */
#ifndef TEMPMESSENGER_CURL_LOOP_H
#define TEMPMESSENGER_CURL_LOOP_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

struct curl_loop {
    CURLM *multi; /* for reading only; NULL while there is no memory for it */

    /* Its own. */
    int epoll_fd;
    int wake_fd;
    uint64_t timer_us; /* when libcurl wants to be called without a socket */
};

/* False when out of memory or of descriptors; the loop is then to be given to curl_loop_fini. It
 * must not be moved. */
bool curl_loop_init(struct curl_loop *loop) __attribute__((warn_unused_result));

/* All transfers must have been removed. */
void curl_loop_fini(struct curl_loop *loop);

/* Ends the wait of the turn that is under way, or of the next one. */
void curl_loop_wake(struct curl_loop *loop);

enum curl_loop_result {
    CURL_LOOP_DONE,   /* all that was ready when the turn was called has run */
    CURL_LOOP_MORE,   /* more may have been ready */
    CURL_LOOP_FAILED, /* out of memory: remove all transfers, then call curl_loop_renew */
};

/* Waits for at most `wait_us`, then runs the transfers that can go on. */
enum curl_loop_result curl_loop_turn(struct curl_loop *loop, uint64_t wait_us);

/* Another multi handle in place of the one that failed. All transfers must have been removed. */
void curl_loop_renew(struct curl_loop *loop);

#endif

/*
 * A room's list in HTTP: which part of it a request asks for, and the answer.
 */
#ifndef TEMPMESSENGER_LISTING_HTTP_H
#define TEMPMESSENGER_LISTING_HTTP_H

#include "http_exchange.h"
#include "live_listing.h"
#include "live_room.h"

enum { LISTING_HTTP_LIMIT_MAX = 1000 };

/* The query's `limit`; *ret_newest is 0 where there is none. BAD_REQUEST where it is not a number
 * from 1 to LISTING_HTTP_LIMIT_MAX. */
enum error_code listing_http_limit(const struct http_exchange *exchange, size_t *ret_newest,
                                   struct error *err) ERROR_MUST_USE;

/* The query's `before`; an empty *ret_id where there is none. BAD_REQUEST where it is not a
 * message's id. */
enum error_code listing_http_before(const struct http_exchange *exchange,
                                    char ret_id[MESSAGE_ID_SIZE], struct error *err) ERROR_MUST_USE;

/* Answers with the listing, or 304. A long one goes out piece by piece, as its reader takes it;
 * what ends meanwhile is left out. Takes what the listing holds. */
enum error_code listing_http_answer(struct http_exchange *exchange,
                                    struct live_listing *listing) ERROR_MUST_USE;

#endif

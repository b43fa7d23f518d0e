/*
 * The page as an answer: whole for a room of few messages, piece by piece for one of many.
 */
#ifndef TEMPMESSENGER_PAGE_ANSWER_H
#define TEMPMESSENGER_PAGE_ANSWER_H

#include "http_exchange.h"
#include "live_room.h"
#include "page.h"

/* Answers with the page of `room`. `view` lacks the moment, which is now; what it points to lives
 * as long as the exchange. INTERNAL when out of memory. */
enum error_code page_answer(struct http_exchange *exchange, const struct page *page,
                            const struct page_view *view, struct live_room *room,
                            struct error *err) ERROR_MUST_USE;

#endif

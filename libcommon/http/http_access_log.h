/*
 * One line for each request that was answered.
 */
#ifndef TEMPMESSENGER_HTTP_ACCESS_LOG_H
#define TEMPMESSENGER_HTTP_ACCESS_LOG_H

struct http_exchange;
struct http_access_log_kept;

/* Writes the exchange's line, where it was answered and not taken over. */
void http_access_log_write(const struct http_exchange *exchange);

/* What the line of an exchange will need after the exchange is gone; NULL where no line is wanted,
 * or out of memory. */
struct http_access_log_kept *http_access_log_keep(const struct http_exchange *exchange);

/* Writes the line and frees `kept`. Takes NULL. */
void http_access_log_write_kept(struct http_access_log_kept *kept);

#endif

/*
 * The errors of both services: one list gives the code, the HTTP status, the problem type and the
 * texts that a client may see.
 *
 * Functions that can fail return an `enum error_code` and take an optional `struct error`, last,
 * which the caller owns. Nothing is logged on the way up: the edge that answers the request (or the
 * thread that gives up) logs once.
 */
#ifndef TEMPMESSENGER_ERROR_H
#define TEMPMESSENGER_ERROR_H

#include <stdint.h>

#define ERROR_MUST_USE __attribute__((warn_unused_result))

/* X(code, HTTP status, problem type, title, detail by default) */
#define ERROR_LIST(X)                                                                              \
    X(BAD_REQUEST, 400, "bad-request", "Bad request", "The request is malformed")                  \
    X(INVALID_JSON, 400, "invalid-json", "Invalid JSON", "JSON payload expected")                  \
    X(NO_MESSAGE, 400, "no-message", "No message given", "No message given")                       \
    X(INVALID_ROOM, 400, "invalid-room", "Invalid room name",                                      \
      "A room name is 1 to 64 of a-z, 0-9 and -, and does not begin with -")                       \
    X(UNAUTHORIZED, 401, "unauthorized", "Unauthorized", "A valid bearer token is required")       \
    X(CROSS_ORIGIN, 403, "cross-origin", "Cross-origin request",                                   \
      "Requests from this origin are not allowed")                                                 \
    X(MESSAGE_NOT_FOUND, 404, "message-not-found", "Message not found", "Message not found")       \
    X(NOT_FOUND, 404, "not-found", "Not found", "There is nothing at this path")                   \
    X(METHOD_NOT_ALLOWED, 405, "method-not-allowed", "Method not allowed",                         \
      "This path does not take this method; Allow lists those it takes")                           \
    X(TOO_LARGE, 413, "too-large", "Too large", "The request is too large")                        \
    X(UNSUPPORTED_ENCODING, 415, "unsupported-encoding", "Unsupported encoding",                   \
      "The body must come as it is, without a Content-Encoding")                                   \
    X(INVALID_MESSAGE, 422, "invalid-message", "Invalid message",                                  \
      "The message must be a string with at least one visible character")                          \
    X(INVALID_TTL, 422, "invalid-ttl", "Invalid lifetime", "The ttl is a number of seconds")       \
    X(INVALID_AUTHOR, 422, "invalid-author", "Invalid author",                                     \
      "The author must be a string of 1 to 40 characters, at least one of them visible")           \
    X(IDEMPOTENCY_KEY_REUSED, 422, "idempotency-key-reused", "Idempotency key reused",             \
      "This Idempotency-Key was used for another message in this room")                            \
    X(RATE_LIMITED, 429, "rate-limited", "Too many requests",                                      \
      "Too many messages from this address; try again later")                                      \
    X(ROOM_FULL, 429, "room-full", "Room full",                                                    \
      "The room holds as many live messages as it may; try again when one has expired")            \
    X(INTERNAL, 500, "internal", "Internal error", "Something went wrong here")                    \
    X(UNAVAILABLE, 503, "unavailable", "Unavailable", "Not available just now; try again later")   \
    X(TIMEOUT, 504, "timeout", "Timeout", "No answer came in time; try again later")

enum error_code {
    ERROR_NONE = 0,
#define ERROR_ENUM(code, status, type, title, detail) ERROR_##code,
    ERROR_LIST(ERROR_ENUM)
#undef ERROR_ENUM
        ERROR_COUNT
};

#define ERROR_TYPE_PREFIX "urn:tempmessenger:problem:"

enum { ERROR_DETAIL_SIZE = 384, ERROR_CAUSE_SIZE = 256 };

/* What went wrong, for two readers. Initialise with {0}. */
struct error {
    char detail[ERROR_DETAIL_SIZE]; /* for the client; empty: the list's own text */
    char cause[ERROR_CAUSE_SIZE];   /* for the log alone, never for a client */
    uint32_t retry_after_s;         /* for 429 and 503; 0: the answer's default of one second */
};

/* Sets the client's text, cut at the buffer's end, and returns `code`. `err` may be NULL. */
__attribute__((format(printf, 3, 4))) enum error_code
error_set(struct error *err, enum error_code code, const char *detail_format, ...);

/* Sets the log's text, cut at the buffer's end, and returns `code`. `err` may be NULL. */
__attribute__((format(printf, 3, 4))) enum error_code
error_because(struct error *err, enum error_code code, const char *cause_format, ...);

/* Facts of the list. `code` is one of the list's. The strings are static. */
int error_status(enum error_code code);
const char *error_type(enum error_code code); /* with ERROR_TYPE_PREFIX */
const char *error_title(enum error_code code);

/* The text for the client: `err`'s detail, or the list's if it has none. Lives as long as `err`. */
const char *error_detail(enum error_code code, const struct error *err);

/* The code with this problem type (prefix included), or ERROR_NONE. */
enum error_code error_from_type(const char *type) ERROR_MUST_USE;

#endif

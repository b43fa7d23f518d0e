/*
 * Where messages are kept. This front checks what all backends share, once; the backends, one for
 * each scheme of STORE_URL, are behind message_store_backend.h.
 *
 * Any thread may call any function; a call blocks for at most the store's timeout (once to wait for
 * a free connection, once to connect and for the answer), and a list for as long with each of its
 * pieces. A message past its end is never returned.
 */
#ifndef TEMPMESSENGER_MESSAGE_STORE_H
#define TEMPMESSENGER_MESSAGE_STORE_H

#include "call_metrics.h"
#include "draft.h"
#include "error.h"
#include "idempotency_key.h"
#include "message_list.h"
#include "message_store_config.h"
#include "message_store_listener.h"

#include <stddef.h>
#include <stdint.h>

struct message_store;

/* Whether STORE_URL is of a known form; if not, *ret_rule says which are, in words for the
 * operator. */
bool message_store_url_valid(const char *url, const char **ret_rule) ERROR_MUST_USE;

/* Opens the store. Connects to nothing yet: only the first call finds a store that is away. The
 * config's strings are copied, its clock is borrowed for the store's life. INTERNAL when out of
 * memory or when the config cannot be used; the cause says which. */
enum error_code message_store_open(const struct message_store_config *config,
                                   struct message_store **ret_store,
                                   struct error *err) ERROR_MUST_USE;

/* No call may be under way. The listener is not called any more when this returns; rooms need not
 * be unwatched. Takes NULL. */
void message_store_free(struct message_store *store);

/*
 * Accepts `draft` into `room`: gives it an id, a number and its times, all or nothing. With
 * `idempotency_key` (NULL: none; otherwise 1 to IDEMPOTENCY_KEY_MAX visible ASCII characters) a
 * repeat within the message's life returns the first message, even if the room is full.
 * *ret_message is the caller's reference.
 * INVALID_ROOM, IDEMPOTENCY_KEY_REUSED (same key, another draft), ROOM_FULL (retry_after_s is set),
 * UNAVAILABLE, TIMEOUT, INTERNAL. After TIMEOUT, after UNAVAILABLE where the connection was lost on
 * the way, and after INTERNAL where there was no memory for the answer, the message may have been
 * accepted all the same: a repeat with the same key is safe.
 */
enum error_code message_store_save(struct message_store *store, const char *room,
                                   const struct draft *draft, const char *idempotency_key,
                                   struct message **ret_message, struct error *err) ERROR_MUST_USE;

/* The live messages of `room`; none is no error. The caller frees *ret_list with message_list_fini.
 * INVALID_ROOM, UNAVAILABLE, TIMEOUT, INTERNAL. */
enum error_code message_store_list(struct message_store *store, const char *room,
                                   struct message_list *ret_list, struct error *err) ERROR_MUST_USE;

/* One live message; *ret_message is the caller's reference. INVALID_ROOM, MESSAGE_NOT_FOUND (also
 * for an `id` out of its grammar; the detail names the id), UNAVAILABLE, TIMEOUT, INTERNAL. */
enum error_code message_store_find(struct message_store *store, const char *room, const char *id,
                                   struct message **ret_message, struct error *err) ERROR_MUST_USE;

/* Sets the listener, which is copied: once, before the first watch. Without one, nothing can be
 * watched. */
void message_store_listen(struct message_store *store,
                          const struct message_store_listener *listener);

/*
 * Watches `room`, from now until as many calls of message_store_unwatch. Each call is answered by a
 * `synced` that is true of a moment after it, perhaps before it returns; calls close together may
 * share one. Where the store cannot be reached each is first answered by `unreachable`.
 * False, and nothing is watched, when out of memory, or where `room` is no room's name.
 */
bool message_store_watch(struct message_store *store, const char *room) ERROR_MUST_USE;

/* Takes back one message_store_watch. After the last, the listener is not called for the room any
 * more: this waits for a call that is under way. So not from within the listener, nor under a lock
 * that it takes. */
void message_store_unwatch(struct message_store *store, const char *room);

/* Whether the store can be reached and takes messages now. UNAVAILABLE, TIMEOUT, INTERNAL when out
 * of memory. */
enum error_code message_store_check(struct message_store *store, struct error *err) ERROR_MUST_USE;

/* The kinds of calls that are counted. X(kind, its name among the metrics) */
#define MESSAGE_STORE_CALL_LIST(X)                                                                 \
    X(SAVE, "save")                                                                                \
    X(LIST, "list")                                                                                \
    X(FIND, "find")                                                                                \
    X(CHECK, "check")

enum message_store_call {
#define MESSAGE_STORE_ENUM(kind, name) MESSAGE_STORE_##kind,
    MESSAGE_STORE_CALL_LIST(MESSAGE_STORE_ENUM)
#undef MESSAGE_STORE_ENUM
        MESSAGE_STORE_CALLS
};

extern const char *const message_store_call_names[MESSAGE_STORE_CALLS];

/* For an operator. */
struct message_store_metrics {
    bool up;           /* the last call was answered, or none was made yet */
    uint64_t accepted; /* messages saved; the repeats of a save are not counted */
    struct call_metrics_reading calls[MESSAGE_STORE_CALLS]; /* of what was well-formed */
};

/* Neither calls the store nor waits for it. */
void message_store_metrics(const struct message_store *store,
                           struct message_store_metrics *ret_metrics);

#endif

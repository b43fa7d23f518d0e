/*
 * What a backend of the message store is: a table of operations over its own state. The front has
 * checked all arguments; the contracts are those of message_store.h.
 *
 * A new backend is a folder that defines such a struct, and its line in the table of
 * message_store.c.
 */
#ifndef TEMPMESSENGER_MESSAGE_STORE_BACKEND_H
#define TEMPMESSENGER_MESSAGE_STORE_BACKEND_H

#include "draft.h"
#include "error.h"
#include "message_list.h"
#include "message_store_config.h"
#include "message_store_listener.h"

#include <stdbool.h>

struct message_store_backend {
    /* The scheme of STORE_URL up to its colon, and the form of what follows, for the operator. */
    const char *scheme;
    const char *form;

    bool (*url_valid)(const char *url);
    enum error_code (*open)(const struct message_store_config *config, void **ret_state,
                            struct error *err);
    void (*free)(void *state);
    enum error_code (*save)(void *state, const char *id, const char *room,
                            const struct draft *draft, const char *idempotency_key,
                            struct message **ret_message, struct error *err);
    enum error_code (*list)(void *state, const char *room, struct message_list *ret_list,
                            struct error *err);
    enum error_code (*find)(void *state, const char *room, const char *id,
                            struct message **ret_message, struct error *err);
    void (*listen)(void *state, const struct message_store_listener *listener);
    bool (*watch)(void *state, const char *room);
    void (*unwatch)(void *state, const char *room);
    enum error_code (*check)(void *state, struct error *err);
    /* Whether the last call was answered. Neither calls the store nor waits for it. */
    bool (*up)(void *state);
};

#endif

/*
 * The front of the store: which backend a URL means, the checks that all backends share, and the
 * ids. What a backend gets is valid, so that no backend has to check twice and none can forget to.
 *
 * Ids are made here, 128 bits from the kernel, so that no backend can make guessable ones; and
 * calls are counted and timed here, so that no backend need do so.
 */
#include "message_store.h"

#include "memory_store.h"
#include "random_id.h"
#include "redis_store.h"
#include "text.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALL_NAME(kind, name) [MESSAGE_STORE_##kind] = (name),
const char *const message_store_call_names[] = {MESSAGE_STORE_CALL_LIST(CALL_NAME)};
#undef CALL_NAME

_Static_assert(sizeof message_store_call_names / sizeof *message_store_call_names ==
                   MESSAGE_STORE_CALLS,
               "each kind of call has a name");

struct message_store {
    const struct message_store_backend *backend;
    void *state;
    bool has_listener;
    const struct clock *clock;
    struct metrics_counter accepted;
    struct call_metrics calls[MESSAGE_STORE_CALLS];
};

/* In the order in which the rule for a wrong URL lists them. */
static const struct message_store_backend *const backends[] = {
    &memory_store_backend,
    &redis_store_backend,
    &redis_store_unix_backend,
};

enum { BACKEND_COUNT = sizeof backends / sizeof backends[0], URL_RULE_SIZE = 256 };

static char url_rule[URL_RULE_SIZE];
static pthread_once_t url_rule_once = PTHREAD_ONCE_INIT;

/* "one of memory:, redis://...", from the table: a new backend is named in it at once. */
static void make_url_rule(void)
{
    struct buffer rule;
    buffer_init(&rule, sizeof url_rule - 1);
    for (size_t i = 0; i < BACKEND_COUNT; i++)
        buffer_append_format(&rule, "%s%s:%s", i ? ", " : "one of ", backends[i]->scheme,
                             backends[i]->form);
    snprintf(url_rule, sizeof url_rule, "%s", rule.data ? rule.data : "");
    buffer_fini(&rule);
}

/* The backend whose scheme `url` has, or NULL. */
static const struct message_store_backend *backend_of(const char *url)
{
    for (size_t i = 0; i < BACKEND_COUNT; i++) {
        size_t len = strlen(backends[i]->scheme);
        if (strncmp(url, backends[i]->scheme, len) == 0 && url[len] == ':')
            return backends[i];
    }
    return NULL;
}

bool message_store_url_valid(const char *url, const char **ret_rule)
{
    const struct message_store_backend *backend = backend_of(url);
    if (backend && backend->url_valid(url))
        return true;
    pthread_once(&url_rule_once, make_url_rule);
    *ret_rule = url_rule;
    return false;
}

enum error_code message_store_open(const struct message_store_config *config,
                                   struct message_store **ret_store, struct error *err)
{
    const char *rule;
    if (!message_store_url_valid(config->url, &rule))
        return error_because(err, ERROR_INTERNAL, "the store's URL must be %s", rule);
    if (config->connections == 0)
        return error_because(err, ERROR_INTERNAL, "the store needs at least one connection");
    struct message_store *store = calloc(1, sizeof *store);
    if (!store)
        return error_because(err, ERROR_INTERNAL, "out of memory");
    store->backend = backend_of(config->url);
    store->clock = config->clock;
    enum error_code code = store->backend->open(config, &store->state, err);
    if (code) {
        free(store);
        return code;
    }
    *ret_store = store;
    return ERROR_NONE;
}

void message_store_free(struct message_store *store)
{
    if (!store)
        return;
    store->backend->free(store->state);
    free(store);
}

/* Counts a call that began at `began_us` and has come to `code`, which is returned. */
static enum error_code count_call(struct message_store *store, enum message_store_call call,
                                  uint64_t began_us, enum error_code code)
{
    call_metrics_add(&store->calls[call], code, clock_monotonic_us(store->clock) - began_us);
    return code;
}

static enum error_code make_id(char ret_id[MESSAGE_ID_SIZE], struct error *err)
{
    return random_id_make(ret_id)
               ? ERROR_NONE
               : error_because(err, ERROR_INTERNAL, "the kernel gave no random bytes");
}

/* Whether `text` is 1 to `max` visible ASCII characters. */
static bool visible_ascii(const char *text, size_t max)
{
    size_t len = strnlen(text, max + 1);
    return len > 0 && len <= max && text_visible_ascii(text, len);
}

enum error_code message_store_save(struct message_store *store, const char *room,
                                   const struct draft *draft, const char *idempotency_key,
                                   struct message **ret_message, struct error *err)
{
    if (!room_name_valid(room))
        return ERROR_INVALID_ROOM;
    if (idempotency_key && !visible_ascii(idempotency_key, IDEMPOTENCY_KEY_MAX))
        return error_because(err, ERROR_INTERNAL, "the idempotency key was not checked");
    char id[MESSAGE_ID_SIZE];
    enum error_code code = make_id(id, err);
    if (code)
        return code;
    uint64_t began_us = clock_monotonic_us(store->clock);
    code = store->backend->save(store->state, id, room, draft, idempotency_key, ret_message, err);
    /* A repeat is answered with the first message, which has another id. */
    if (!code && strcmp((*ret_message)->id, id) == 0)
        metrics_count(&store->accepted);
    return count_call(store, MESSAGE_STORE_SAVE, began_us, code);
}

enum error_code message_store_list(struct message_store *store, const char *room,
                                   struct message_list *ret_list, struct error *err)
{
    if (!room_name_valid(room))
        return ERROR_INVALID_ROOM;
    uint64_t began_us = clock_monotonic_us(store->clock);
    return count_call(store, MESSAGE_STORE_LIST, began_us,
                      store->backend->list(store->state, room, ret_list, err));
}

enum { SHOWN_ID_MAX = 128 };

/* Names the id where it can be shown; the list's own text stands for the rest. */
static enum error_code not_found(const char *id, struct error *err)
{
    if (!visible_ascii(id, SHOWN_ID_MAX))
        return ERROR_MESSAGE_NOT_FOUND;
    return error_set(err, ERROR_MESSAGE_NOT_FOUND, "Message not found: %s", id);
}

enum error_code message_store_find(struct message_store *store, const char *room, const char *id,
                                   struct message **ret_message, struct error *err)
{
    if (!room_name_valid(room))
        return ERROR_INVALID_ROOM;
    if (!message_id_valid(id))
        return not_found(id, err);
    uint64_t began_us = clock_monotonic_us(store->clock);
    enum error_code code =
        count_call(store, MESSAGE_STORE_FIND, began_us,
                   store->backend->find(store->state, room, id, ret_message, err));
    return code == ERROR_MESSAGE_NOT_FOUND ? not_found(id, err) : code;
}

void message_store_listen(struct message_store *store,
                          const struct message_store_listener *listener)
{
    store->backend->listen(store->state, listener);
    store->has_listener = true;
}

bool message_store_watch(struct message_store *store, const char *room)
{
    return store->has_listener && room_name_valid(room) &&
           store->backend->watch(store->state, room);
}

void message_store_unwatch(struct message_store *store, const char *room)
{
    store->backend->unwatch(store->state, room);
}

enum error_code message_store_check(struct message_store *store, struct error *err)
{
    uint64_t began_us = clock_monotonic_us(store->clock);
    return count_call(store, MESSAGE_STORE_CHECK, began_us,
                      store->backend->check(store->state, err));
}

void message_store_metrics(const struct message_store *store,
                           struct message_store_metrics *ret_metrics)
{
    ret_metrics->up = store->backend->up(store->state);
    ret_metrics->accepted = metrics_counted(&store->accepted);
    for (size_t i = 0; i < MESSAGE_STORE_CALLS; i++)
        call_metrics_read(&store->calls[i], &ret_metrics->calls[i]);
}

/*
 * Without memory: the stores. What was not saved leaves nothing behind and can be saved again, and
 * no failure makes a list shorter or a message not found. Redis is a real server of the test's own.
 */
#include "failing_alloc.h"

#include "message_store.h"
#include "redis_answer.h"
#include "redis_published.h"
#include "redis_server.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ROOM_MAX_MESSAGES = 100, ROOM_MAX_BYTES = 8 << 20, WAIT_S = 20 };

static const uint64_t second_us = 1000000;

/* A clock that passes a breaker's time each time it is looked at; messages live for a day. */
static _Atomic uint64_t now_us = 1000000000;

static uint64_t step_us(const struct clock *clock)
{
    (void)clock;
    return now_us += second_us;
}

static const struct clock stepping_clock = {.monotonic_us = step_us, .wall_us = step_us};

static struct draft draft = {
    .author = (char[]){"Ada"}, .text = (char[]){"hello"}, .text_len = 5, .ttl_ms = 86400000};

static char redis_url[REDIS_SERVER_URL_SIZE];

static struct message_store *open_store(const char *url)
{
    struct message_store_config config = {
        .url = url,
        .prefix = "alloc",
        .timeout_ms = 2000,
        .room_max_messages = ROOM_MAX_MESSAGES,
        .room_max_bytes = ROOM_MAX_BYTES,
        .connections = 2,
        .clock = &stepping_clock,
    };
    struct message_store *store = NULL;
    struct error err = {0};
    enum error_code code = message_store_open(&config, &store, &err);
    REQUIRE(code == ERROR_NONE || code == ERROR_INTERNAL);
    REQUIRE(!code == (store != NULL));
    return store;
}

/* Opened without failures, which follow. */
static struct message_store *open_good(const char *url)
{
    failing_alloc_pause();
    struct message_store *store = open_store(url);
    REQUIRE(store);
    failing_alloc_resume();
    return store;
}

static enum error_code open_and_free(const char *url)
{
    struct message_store *store = open_store(url);
    message_store_free(store);
    return store ? ERROR_NONE : ERROR_INTERNAL;
}

static enum error_code memory_opened(void)
{
    return open_and_free("memory:");
}
FAILING_ALLOC_TEST(test_memory_store__out_of_memory_opens_nothing, memory_opened)

static enum error_code redis_opened(void)
{
    return open_and_free("redis://user:password@127.0.0.1:1/2");
}
FAILING_ALLOC_TEST(test_redis_store__out_of_memory_opens_nothing, redis_opened)

/* ---- saving and listing ---- */

/* The codes allowed without memory; UNAVAILABLE where a connection needed it. */
static bool is_promised(enum error_code code)
{
    return code == ERROR_INTERNAL || code == ERROR_UNAVAILABLE;
}

static size_t count_of(struct message_store *store, const char *room)
{
    CLEANUP_FINI(message_list_fini) struct message_list list = {0};
    REQUIRE(message_store_list(store, room, &list, NULL) == ERROR_NONE);
    return list.count;
}

/* Saves with a key, and what could not be saved once more, without failures. `room` is new. */
static enum error_code save(struct message_store *store, const char *room)
{
    struct message *message = NULL;
    enum error_code code = message_store_save(store, room, &draft, "key", &message, NULL);
    REQUIRE(!code == (message != NULL));
    if (code) {
        REQUIRE(is_promised(code));
        failing_alloc_stop();
        REQUIRE(message_store_save(store, room, &draft, "key", &message, NULL) == ERROR_NONE);
    }
    failing_alloc_pause();
    REQUIRE(count_of(store, room) == 1);
    message_release(message);
    failing_alloc_resume();
    return code ? ERROR_INTERNAL : ERROR_NONE;
}

static enum error_code memory_saved(void)
{
    struct message_store *store = open_good("memory:");
    enum error_code code = save(store, "lobby");
    message_store_free(store);
    return code;
}
FAILING_ALLOC_TEST(test_memory_store__out_of_memory_saves_nothing, memory_saved)

static enum error_code memory_not_saved(void)
{
    struct message_store *store = open_good("memory:");
    struct message *message = NULL;
    enum error_code code = message_store_save(store, "lobby", &draft, "key", &message, NULL);
    failing_alloc_stop();
    REQUIRE(count_of(store, "lobby") == (code ? 0 : 1));
    message_release(message);
    message_store_free(store);
    return code;
}
FAILING_ALLOC_TEST(test_memory_store__out_of_memory_leaves_no_message, memory_not_saved)

/* Saves a message without failures, then lists and finds it with them. */
static enum error_code read_back(struct message_store *store, const char *room)
{
    struct message *saved = NULL, *found = NULL;
    struct message_list list = {0};
    failing_alloc_pause();
    REQUIRE(message_store_save(store, room, &draft, NULL, &saved, NULL) == ERROR_NONE);
    failing_alloc_resume();
    enum error_code listed = message_store_list(store, room, &list, NULL);
    enum error_code found_code = message_store_find(store, room, saved->id, &found, NULL);
    REQUIRE(listed ? is_promised(listed) && !list.messages : list.count == 1);
    REQUIRE(found_code ? is_promised(found_code) && !found : strcmp(found->id, saved->id) == 0);
    message_list_fini(&list);
    message_release(found);
    message_release(saved);
    return listed || found_code ? ERROR_INTERNAL : ERROR_NONE;
}

static enum error_code memory_read(void)
{
    struct message_store *store = open_good("memory:");
    enum error_code code = read_back(store, "lobby");
    message_store_free(store);
    return code;
}
FAILING_ALLOC_TEST(test_memory_store__out_of_memory_hides_no_message, memory_read)

/* A room that no round before has used. */
static const char *new_room(void)
{
    static char room[32];
    static unsigned count;
    snprintf(room, sizeof room, "room-%d-%u", (int)getpid(), count++);
    return room;
}

/* A connection that was kept alive and fails is made up for by a new one. */
static enum error_code redis_saved(void)
{
    struct message_store *store = open_good(redis_url);
    enum error_code code = save(store, new_room());
    message_store_free(store);
    return code;
}
FAILING_ALLOC_TEST_TOLERANT(test_redis_store__out_of_memory_can_be_tried_again, redis_saved)

static enum error_code redis_read(void)
{
    struct message_store *store = open_good(redis_url);
    enum error_code code = read_back(store, new_room());
    message_store_free(store);
    return code;
}
FAILING_ALLOC_TEST_TOLERANT(test_redis_store__out_of_memory_hides_no_message, redis_read)

/* ---- watching ---- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t told;
    unsigned synced, added, unreachable;
} heard = {.lock = PTHREAD_MUTEX_INITIALIZER, .told = PTHREAD_COND_INITIALIZER};

static void hear(unsigned *count)
{
    LOCKED(&heard.lock);
    ++*count;
    pthread_cond_broadcast(&heard.told);
}

static void on_synced(void *context, const char *room, const struct message_list *list)
{
    (void)context, (void)room, (void)list;
    hear(&heard.synced);
}

static void on_added(void *context, struct message *message, uint64_t epoch)
{
    (void)context, (void)message, (void)epoch;
    hear(&heard.added);
}

static void on_unreachable(void *context, const char *room)
{
    (void)context, (void)room;
    hear(&heard.unreachable);
}

static void listen_to(struct message_store *store)
{
    heard.synced = heard.added = heard.unreachable = 0;
    message_store_listen(store, &(struct message_store_listener){.synced = on_synced,
                                                                 .added = on_added,
                                                                 .unreachable = on_unreachable});
}

static enum error_code memory_watched(void)
{
    struct message_store *store = open_good("memory:");
    struct message *message = NULL;
    listen_to(store);
    failing_alloc_pause();
    REQUIRE(message_store_save(store, "lobby", &draft, NULL, &message, NULL) == ERROR_NONE);
    message_release(message);
    failing_alloc_resume();
    bool watched = message_store_watch(store, "lobby");
    failing_alloc_stop();
    REQUIRE(heard.synced == watched && !heard.added);
    REQUIRE(message_store_save(store, "lobby", &draft, NULL, &message, NULL) == ERROR_NONE);
    message_release(message);
    REQUIRE(heard.added == watched);
    if (watched)
        message_store_unwatch(store, "lobby");
    message_store_free(store);
    return watched ? ERROR_NONE : ERROR_INTERNAL;
}
FAILING_ALLOC_TEST(test_memory_store__out_of_memory_watches_nothing, memory_watched)

static bool wait_for_news(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    LOCKED(&heard.lock);
    while (!heard.synced && !heard.unreachable)
        if (pthread_cond_timedwait(&heard.told, &heard.lock, &until) != 0)
            return false;
    return heard.synced > 0;
}

/* A watch is answered at once, if only by the word that there is no way to the store. */
static enum error_code redis_watched(void)
{
    struct message_store *store = open_good(redis_url);
    listen_to(store);
    bool watched = message_store_watch(store, "lobby");
    bool synced = watched && wait_for_news();
    REQUIRE(!watched || synced || heard.unreachable);
    if (watched)
        message_store_unwatch(store, "lobby");
    message_store_free(store);
    return synced ? ERROR_NONE : ERROR_INTERNAL;
}
FAILING_ALLOC_TEST_TOLERANT(test_redis_store__out_of_memory_answers_a_watch, redis_watched)

/* ---- Redis' answers ---- */

#define STORED(digit)                                                                              \
    "{\"id\":\"0123456789abcdef0123456789abcde" #digit "\",\"room\":\"lobby\",\"author\":\"Ada\"," \
    "\"message\":\"hello\",\"created_at\":1795327200000,\"expires_at\":1795327260000,"             \
    "\"number\":179532720000000" #digit ",\"epoch\":1}"

static redisReply string_reply(const char *text)
{
    union {
        const char *from;
        char *to;
    } cast = {.from = text}; /* hiredis lacks a const */
    return (redisReply){.type = REDIS_REPLY_STRING, .str = cast.to, .len = strlen(text)};
}

static redisReply moment = {.type = REDIS_REPLY_INTEGER, .integer = 1795327200001};
static redisReply one = {.type = REDIS_REPLY_INTEGER, .integer = 1};

static enum error_code answers_saved(void)
{
    redisReply outcome = string_reply("saved"), json = string_reply(STORED(1));
    redisReply *elements[] = {&outcome, &moment, &json};
    redisReply reply = {.type = REDIS_REPLY_ARRAY, .elements = 3, .element = elements};
    struct message *message = NULL;
    enum error_code code = redis_answer_saved(&reply, &stepping_clock, &message, NULL);
    REQUIRE(!code == (message != NULL));
    message_release(message);
    return code;
}
FAILING_ALLOC_TEST(test_redis_answer__out_of_memory_for_what_was_saved_is_internal, answers_saved)

static enum error_code answers_found(void)
{
    redisReply json = string_reply(STORED(1));
    redisReply *elements[] = {&moment, &json};
    redisReply reply = {.type = REDIS_REPLY_ARRAY, .elements = 2, .element = elements};
    struct message *message = NULL;
    enum error_code code = redis_answer_found(&reply, &stepping_clock, &message, NULL);
    REQUIRE(!code == (message != NULL));
    message_release(message);
    return code;
}
FAILING_ALLOC_TEST(test_redis_answer__out_of_memory_is_not_not_found, answers_found)

static enum error_code answers_listed(void)
{
    redisReply jsons[] = {string_reply(STORED(2)), string_reply("foreign"),
                          string_reply(STORED(1))};
    redisReply *messages[] = {&jsons[0], &jsons[1], &jsons[2]};
    redisReply array = {.type = REDIS_REPLY_ARRAY, .elements = 3, .element = messages};
    redisReply none = string_reply("");
    redisReply *elements[] = {&moment, &one, &one, &array, &none, &none};
    redisReply reply = {.type = REDIS_REPLY_ARRAY, .elements = 6, .element = elements};
    struct message_list list = {0};
    struct redis_piece piece = {0};
    enum error_code code = redis_answer_listed(&reply, &stepping_clock, &list, &piece, NULL);
    REQUIRE(code || list.count == 2);
    message_list_fini(&list);
    return code;
}
FAILING_ALLOC_TEST(test_redis_answer__out_of_memory_makes_no_list_shorter, answers_listed)

static enum error_code published_read(void)
{
    static const char payload[] = "1795327200000001 1 " STORED(1);
    struct redis_published published;
    bool read = redis_published_read("lobby", payload, strlen(payload), &published);
    redis_published_fini(&published);
    return read ? ERROR_NONE : ERROR_INTERNAL;
}
FAILING_ALLOC_TEST(test_redis_published__out_of_memory_is_false, published_read)

int main(void)
{
    const TTest *const tests[] = {
        test_memory_store__out_of_memory_opens_nothing,
        test_redis_store__out_of_memory_opens_nothing,
        test_memory_store__out_of_memory_saves_nothing,
        test_memory_store__out_of_memory_leaves_no_message,
        test_memory_store__out_of_memory_hides_no_message,
        test_redis_store__out_of_memory_can_be_tried_again,
        test_redis_store__out_of_memory_hides_no_message,
        test_memory_store__out_of_memory_watches_nothing,
        test_redis_store__out_of_memory_answers_a_watch,
        test_redis_answer__out_of_memory_for_what_was_saved_is_internal,
        test_redis_answer__out_of_memory_is_not_not_found,
        test_redis_answer__out_of_memory_makes_no_list_shorter,
        test_redis_published__out_of_memory_is_false,
    };
    redis_server_begin();
    struct redis_server *server = redis_server_start(&(struct redis_server_options){0});
    redis_server_url(server, "", "", redis_url);
    int status = failing_alloc_main("alloc_stores", tests, sizeof tests / sizeof *tests);
    redis_server_free(server);
    redis_server_end();
    return status;
}

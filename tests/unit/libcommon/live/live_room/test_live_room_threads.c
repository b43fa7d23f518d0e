/*
 * Many threads at once. Source threads add to their rooms in order; server threads serve readers
 * who read in pieces of any size, leave in the middle and come back with their last id; others use
 * rooms, list them and post, and rooms come and go. Every reader must be told every message of its
 * room once, in order.
 */
#include "rooms.h"
#include "server.h"
#include "told.h"

#include <check.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STRESS_ROOMS = 3, /* with a source thread each */
    STRESS_MESSAGES = 600,
    STRESS_SERVERS = 3,
    STRESS_READERS = 24, /* a server thread; half of them leave abruptly now and then */
    STRESS_USERS = 2,
    STRESS_NAMES = 6, /* of the rooms that come and go */
    STRESS_ROOMS_MAX = 6,
};

struct stress_reader {
    struct http_connection connection;
    const struct http_stream_ops *ops;
    void *stream;
    struct buffer text;
    size_t room;
    bool leaves;
    uint64_t have; /* messages 1 to this were told */
    char id[EVENT_ID_SIZE];
};

struct stress_server {
    struct server_thread thread;
    struct stress_reader readers[STRESS_READERS];
    uint32_t random;
    pthread_t pthread;
};

static struct {
    struct live_room *rooms[STRESS_ROOMS];
    _Atomic size_t complete; /* readers who have all, and those who leave are counted too */
    _Atomic bool over;
    pthread_mutex_t lock; /* over the rooms that come and go, as their source sees them */
    struct live_room *open[STRESS_ROOMS_MAX + STRESS_USERS + 1];
    size_t opened;
    size_t closed;
} stress = {.lock = PTHREAD_MUTEX_INITIALIZER};

enum { STRESS_OPEN_MAX = sizeof stress.open / sizeof *stress.open };

static uint32_t next_random(uint32_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 17;
    *random ^= *random << 5;
    return *random;
}

static bool open_stress(void *context, struct live_room *room)
{
    (void)context;
    live_room_sync(room, NULL, 0, event_id_nothing(live_room_name(room)));
    LOCKED(&stress.lock);
    stress.opened++;
    if (live_room_name(room)[0] == 's') /* it has a thread of its own */
        return true;
    for (size_t i = 0; i < STRESS_OPEN_MAX; i++) {
        if (!stress.open[i]) {
            stress.open[i] = room;
            return true;
        }
    }
    ck_abort_msg("more rooms are open than there may be");
    return false;
}

static void close_stress(void *context, struct live_room *room)
{
    (void)context;
    LOCKED(&stress.lock);
    stress.closed++;
    for (size_t i = 0; i < STRESS_OPEN_MAX; i++)
        if (stress.open[i] == room)
            stress.open[i] = NULL;
}

static struct message *make_stress(const char *room, uint64_t n, uint64_t number, uint64_t ttl_us)
{
    char id[MESSAGE_ID_SIZE];
    snprintf(id, sizeof id, "%032" PRIx64, n);
    struct message *message = message_new(&(struct message_fields){
        .number = number,
        .deadline_us = clock_monotonic_us(&clock_system) + ttl_us,
        .expires_at_ms = (int64_t)(n * 7919 % 1000),
        .id = id,
        .room = room,
        .text = "hello",
    });
    ck_assert_ptr_nonnull(message);
    return message;
}

static void stress_post(struct live_room *room, uint64_t n)
{
    struct message *own = make_stress(live_room_name(room), n, 0, 3600 * SECOND_US);
    live_room_add_own(room, own);
    message_release(own);
}

/* Adds the room's messages, and now and then what brings nothing new. */
static void *run_stress_source(void *context)
{
    struct live_room *room = context;
    const char *name = live_room_name(room);
    for (uint64_t n = 1; n <= STRESS_MESSAGES; n++) {
        struct message *message = make_stress(name, n, FIRST_NUMBER + n, 3600 * SECOND_US);
        struct event_id id = event_id_make(name, EPOCH, FIRST_NUMBER + n);
        if (n % 3 == 0)
            stress_post(room, n);
        live_room_add(room, message, id);
        if (n % 16 == 0)
            live_room_add(room, message, id);
        message_release(message);
        if (n % 4 == 0)
            sched_yield();
    }
    return NULL;
}

/* Adds soon ending messages to the rooms that come and go, as long as they are open. */
static void *run_stress_pest(void *context)
{
    uint64_t n = STRESS_MESSAGES;
    (void)context;
    for (size_t i = 0; !stress.over; i = (i + 1) % STRESS_OPEN_MAX) {
        pthread_mutex_lock(&stress.lock);
        struct live_room *room = stress.open[i];
        if (room) {
            const char *name = live_room_name(room);
            n++;
            struct message *message = make_stress(name, n, FIRST_NUMBER + n, n % 3000);
            live_room_add(room, message, event_id_make(name, EPOCH, FIRST_NUMBER + n));
            message_release(message);
        }
        pthread_mutex_unlock(&stress.lock);
        sched_yield();
    }
    return NULL;
}

static void use_stress_room(struct live_room *room, uint32_t random)
{
    struct blob *list = NULL;
    char etag[BOARD_ETAG_SIZE];
    struct message *own = make_stress(live_room_name(room), UINT64_C(1) << 40 | random, 0, 2000);
    live_room_add_own(room, own);
    ck_assert_int_eq(live_room_list(room, &list, etag), ERROR_NONE);
    message_release(live_room_message(room, own->id));
    blob_release(list);
    message_release(own);
}

static void *run_stress_user(void *context)
{
    uint32_t random = 12345 + (uint32_t)(uintptr_t)context;
    while (!stress.over) {
        char name[16];
        struct live_room *room = NULL;
        snprintf(name, sizeof name, "come-%u", next_random(&random) % STRESS_NAMES);
        enum error_code code = live_rooms_use(rooms, name, 1000, &room, NULL);
        if (code == ERROR_NONE)
            use_stress_room(room, next_random(&random));
        else
            ck_assert_int_eq(code, ERROR_UNAVAILABLE);
        live_room_release(room);
    }
    return NULL;
}

static void stress_subscribe(struct stress_server *server, struct stress_reader *reader)
{
    struct http_exchange exchange = {.connection = &reader->connection};
    reader->connection = (struct http_connection){.thread = &server->thread};
    buffer_clear(&reader->text);
    ck_assert_int_eq(live_room_subscribe(stress.rooms[reader->room], &exchange,
                                         reader->id[0] ? reader->id : NULL, NULL),
                     ERROR_NONE);
    reader->ops = exchange.ops;
    reader->stream = exchange.stream;
}

static void stress_snapshot(struct stress_reader *reader, const struct told *told)
{
    bool had[STRESS_MESSAGES + 1] = {0};
    const char *data = told->data;
    ck_assert_uint_eq(reader->have, 0);
    for (uint64_t n; (n = told_message(&data)); reader->have++) {
        ck_assert_uint_le(n, STRESS_MESSAGES);
        ck_assert(!had[n]);
        had[n] = true;
    }
    for (uint64_t n = 1; n <= reader->have; n++)
        ck_assert(had[n]);
    ck_assert_uint_eq(told_number(told->id), reader->have);
}

static void stress_told(struct stress_reader *reader, const struct told *told)
{
    const char *data = told->data;
    if (strcmp(told->event, "snapshot") == 0)
        stress_snapshot(reader, told);
    if (strcmp(told->event, "message") == 0) {
        ck_assert_uint_eq(told_message(&data), ++reader->have);
        ck_assert_uint_eq(told_number(told->id), reader->have);
    }
    ck_assert_str_ne(told->event, "deleted");
    ck_assert_str_ne(told->event, "expired");
    if (told->id[0])
        memcpy(reader->id, told->id, sizeof reader->id);
}

static void stress_take_text(struct stress_reader *reader)
{
    struct told told;
    size_t len;
    uint64_t before = reader->have;
    while ((len = told_next(reader->text.data, &told))) {
        stress_told(reader, &told);
        told_drop(&reader->text, len);
    }
    if (before < STRESS_MESSAGES && reader->have == STRESS_MESSAGES)
        stress.complete++;
}

/* One turn of the server with this connection. False where there was nothing to do. */
static bool stress_serve(struct stress_server *server, struct stress_reader *reader)
{
    char bytes[4096];
    if (!reader->ops)
        return false;
    if (!server_readable(&reader->connection))
        return false;
    size_t max = 128 + next_random(&server->random) % (sizeof bytes - 127);
    ssize_t len = reader->ops->read(reader->stream, bytes, max);
    if (len > 0)
        buffer_append(&reader->text, bytes, (size_t)len);
    stress_take_text(reader);
    bool left = reader->leaves && !stress.over && next_random(&server->random) % 16 == 0 &&
                server_readable(&reader->connection);
    if (len == HTTP_STREAM_END || left) {
        reader->ops->free(reader->stream);
        reader->ops = NULL;
        if (!stress.over)
            stress_subscribe(server, reader);
    }
    return true;
}

static bool stress_has_readers(const struct stress_server *server)
{
    for (size_t i = 0; i < STRESS_READERS; i++)
        if (server->readers[i].ops)
            return true;
    return false;
}

/* Sleeps until one of its connections was resumed, as epoll does. */
static void stress_sleep(struct stress_server *server)
{
    LOCKED(&server->thread.lock);
    while (!server->thread.resumed)
        pthread_cond_wait(&server->thread.wake, &server->thread.lock);
    server->thread.resumed = false;
}

static void *run_stress_server(void *context)
{
    struct stress_server *server = context;
    for (size_t i = 0; i < STRESS_READERS; i++)
        stress_subscribe(server, &server->readers[i]);
    while (stress_has_readers(server)) {
        bool did = false;
        for (size_t i = 0; i < STRESS_READERS; i++)
            did |= stress_serve(server, &server->readers[i]);
        if (!did && stress_has_readers(server))
            stress_sleep(server);
    }
    return NULL;
}

static void stress_start_server(struct stress_server *server, uint32_t random)
{
    *server = (struct stress_server){
        .thread = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER},
        .random = random,
    };
    for (size_t i = 0; i < STRESS_READERS; i++) {
        server->readers[i] = (struct stress_reader){.room = i % STRESS_ROOMS, .leaves = i % 2};
        buffer_init(&server->readers[i].text, (size_t)1 << 30);
    }
    ck_assert_int_eq(pthread_create(&server->pthread, NULL, run_stress_server, server), 0);
}

static void stress_open_rooms(void)
{
    rooms = live_rooms_new(&(struct live_rooms_config){
        .source = {.open = open_stress, .close = close_stress},
        .rooms_max = STRESS_ROOMS_MAX,
        .subscribers_max = STRESS_SERVERS * STRESS_READERS,
        .linger_us = 1000,
        .clock = &clock_system,
    });
    ck_assert_ptr_nonnull(rooms);
    for (size_t i = 0; i < STRESS_ROOMS; i++) {
        char name[16];
        snprintf(name, sizeof name, "stay-%zu", i);
        stress.rooms[i] = rooms_use(name);
    }
}

static void stress_await_all_told(void)
{
    while (stress.complete < STRESS_SERVERS * STRESS_READERS)
        sched_yield();
}

START_TEST(test_live_room_threads__every_reader_is_told_all_once_in_order)
{
    static struct stress_server servers[STRESS_SERVERS];
    pthread_t sources[STRESS_ROOMS];
    pthread_t users[STRESS_USERS + 1];
    stress_open_rooms();
    for (size_t i = 0; i < STRESS_SERVERS; i++)
        stress_start_server(&servers[i], (uint32_t)i + 1);
    for (size_t i = 0; i < STRESS_ROOMS; i++)
        pthread_create(&sources[i], NULL, run_stress_source, stress.rooms[i]);
    for (size_t i = 0; i < STRESS_USERS; i++)
        pthread_create(&users[i], NULL, run_stress_user, (void *)(uintptr_t)(i + 1));
    pthread_create(&users[STRESS_USERS], NULL, run_stress_pest, NULL);

    for (size_t i = 0; i < STRESS_ROOMS; i++)
        pthread_join(sources[i], NULL);
    stress_await_all_told();
    stress.over = true;
    live_rooms_stop(rooms);
    for (size_t i = 0; i <= STRESS_USERS; i++)
        pthread_join(users[i], NULL);
    for (size_t i = 0; i < STRESS_SERVERS; i++) {
        pthread_join(servers[i].pthread, NULL);
        for (size_t j = 0; j < STRESS_READERS; j++)
            buffer_fini(&servers[i].readers[j].text);
    }
    for (size_t i = 0; i < STRESS_ROOMS; i++)
        live_room_release(stress.rooms[i]);
    live_rooms_free(rooms);
    ck_assert_uint_eq(stress.opened, stress.closed);
    ck_assert_uint_gt(stress.opened, STRESS_ROOMS);
}
END_TEST

static Suite *live_room_threads_suite(void)
{
    Suite *suite = suite_create("live_room_threads");
    TCase *tests = tcase_create("many threads");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_live_room_threads__every_reader_is_told_all_once_in_order);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(live_room_threads_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/*
 * How punctual `expired` events are while many other messages are alive.
 *
 * One reader for each room. First it posts the messages that outlive the run, with lifetimes from
 * ten minutes to a day in random order; then, spread over the rooms, those that expire during it.
 * For each of these it compares the time of the `expired` event with the `expires_at` of the
 * `message` event, by the wall clock that the store uses too.
 *
 * Prints one line of JSON. Lateness is in microseconds; below zero is too early.
 */
#include "event_stream.h"
#include "loop.h"
#include "poster.h"
#include "samples.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    ROOMS_MAX = 1000,
    MESSAGES_MAX = 1000000,
    ID_LEN = 32,
    TIME_LEN = 24, /* "2026-01-01T00:00:00.000Z" */
    STAYING_MIN_S = 600,
    STAYING_MAX_S = 86400,
    FIRST_END_MS = 2000, /* so that all are posted before the first ends */
    FILLING_MAX_US = 120 * 1000 * 1000,
    GRACE_US = 5 * 1000 * 1000, /* how long an `expired` is waited for */
};

struct dying {
    char id[ID_LEN];
    int64_t expires_at_us; /* wall clock */
    bool told;
};

struct room {
    struct event_stream stream;
    struct load *load;
};

struct load {
    struct sockaddr_in address;
    struct loop loop;
    struct poster poster;
    struct room *rooms;
    unsigned room_count, message_count, dying_count, window_ms;
    uint64_t opened, bytes;
    uint64_t seen; /* messages that came on the streams */
    struct dying *dying;
    unsigned dying_seen;
    struct samples lateness;
};

static int64_t wall_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- events ---- */

/* The `len` bytes behind the first `mark` in the text. */
static const char *after(const char *text, size_t text_len, const char *mark, size_t len)
{
    const char *at = memmem(text, text_len, mark, strlen(mark));
    if (!at || (size_t)(text + text_len - at) < strlen(mark) + len)
        loop_fail("an event without %s: %.*s", mark, (int)text_len, text);
    return at + strlen(mark);
}

static bool has(const char *text, size_t text_len, const char *mark)
{
    return memmem(text, text_len, mark, strlen(mark)) != NULL;
}

static int64_t parse_time_us(const char *text)
{
    char copy[TIME_LEN + 1];
    struct tm utc = {0};
    memcpy(copy, text, TIME_LEN);
    copy[TIME_LEN] = '\0';
    const char *rest = strptime(copy, "%Y-%m-%dT%H:%M:%S", &utc);
    if (!rest || *rest != '.')
        loop_fail("no time: %s", copy);
    return (int64_t)timegm(&utc) * 1000000 + strtol(rest + 1, NULL, 10) * 1000;
}

static void take_message(struct load *load, const char *event, size_t len)
{
    load->seen++;
    if (!has(event, len, "\"message\":\"dying\""))
        return;
    if (load->dying_seen == load->dying_count)
        loop_fail("more messages came than were posted");
    struct dying *dying = &load->dying[load->dying_seen++];
    memcpy(dying->id, after(event, len, "\"id\":\"", ID_LEN), ID_LEN);
    dying->expires_at_us = parse_time_us(after(event, len, "\"expires_at\":\"", TIME_LEN));
}

static void take_expired(struct load *load, const char *event, size_t len)
{
    int64_t now_us = wall_us();
    const char *id = after(event, len, "\"id\":\"", ID_LEN);
    for (unsigned i = 0; i < load->dying_seen; i++) {
        struct dying *dying = &load->dying[i];
        if (memcmp(dying->id, id, ID_LEN) != 0)
            continue;
        if (dying->told)
            loop_fail("told twice as expired: %.*s", ID_LEN, id);
        dying->told = true;
        samples_add(&load->lateness, now_us - dying->expires_at_us);
        return;
    }
    loop_fail("expired, but not one of those that should: %.*s", ID_LEN, id);
}

static void take_event(struct load *load, const char *event, size_t len)
{
    if (has(event, len, "event: message\n"))
        take_message(load, event, len);
    else if (has(event, len, "event: expired\n"))
        take_expired(load, event, len);
    else if (has(event, len, "event: deleted\n"))
        loop_fail("a message was lost: %.*s", (int)len, event);
}

static size_t consume(struct event_stream *stream, const char *text, size_t len)
{
    struct room *room = (struct room *)stream;
    const char *event = text;
    const char *end;
    while ((end = memmem(event, len - (size_t)(event - text), "\n\n", 2))) {
        take_event(room->load, event, (size_t)(end + 1 - event));
        event = end + 2;
    }
    return (size_t)(event - text);
}

/* ---- what is posted ---- */

static void open_rooms(struct load *load)
{
    uint64_t end_us = loop_now_us() + FILLING_MAX_US;
    for (unsigned i = 0; i < load->room_count; i++) {
        char path[64];
        struct room *room = &load->rooms[i];
        room->load = load;
        room->stream.consume = consume;
        room->stream.opened = &load->opened;
        room->stream.bytes = &load->bytes;
        snprintf(path, sizeof path, "/rooms/expiry-%u/events", i);
        event_stream_start(&room->stream, &load->loop, &load->address, i, path);
        while (load->opened <= i && loop_now_us() < end_us)
            loop_run(&load->loop, end_us);
    }
    if (load->opened < load->room_count)
        loop_fail("only %" PRIu64 " streams were opened", load->opened);
}

static void post(struct load *load, struct poster_connection *connection, unsigned index)
{
    char path[64];
    char body[256];
    unsigned staying = load->message_count - load->dying_count;
    bool dying = index >= staying;
    long ttl_ms = STAYING_MIN_S * 1000L + random() % ((STAYING_MAX_S - STAYING_MIN_S) * 1000L);
    if (dying)
        ttl_ms = FIRST_END_MS + (long)load->window_ms * (index - staying) / load->dying_count;
    snprintf(path, sizeof path, "/rooms/expiry-%u/messages", index % load->room_count);
    int len = snprintf(body, sizeof body, "{\"message\":\"%s\",\"ttl\":%ld.%03ld}",
                       dying ? "dying" : "staying", ttl_ms / 1000, ttl_ms % 1000);
    poster_send(connection, path, body, (size_t)len);
}

/* Posts all and waits until the streams have brought them. */
static void fill(struct load *load)
{
    uint64_t end_us = loop_now_us() + FILLING_MAX_US;
    unsigned sent = 0;
    while (load->seen < load->message_count) {
        struct poster_connection *connection;
        while (sent < load->message_count && (connection = poster_free_connection(&load->poster)))
            post(load, connection, sent++);
        loop_run(&load->loop, end_us);
        if (loop_now_us() >= end_us)
            loop_fail("only %" PRIu64 " of %u messages came in time", load->seen,
                      load->message_count);
    }
}

static void watch(struct load *load)
{
    uint64_t end_us = loop_now_us() + FIRST_END_MS * 1000u + load->window_ms * 1000u + GRACE_US;
    while (load->lateness.count < load->dying_count && loop_now_us() < end_us)
        loop_run(&load->loop, end_us);
}

static const struct option option_names[] = {
    {"connect", required_argument, NULL, 'c'},
    {"rooms", required_argument, NULL, 'r'},
    {"messages", required_argument, NULL, 'm'},
    {"expiring", required_argument, NULL, 'e'},
    {"window-ms", required_argument, NULL, 'w'},
    {"posters", required_argument, NULL, 'o'},
    {0},
};

/* Returns the number of connections that post. */
static unsigned read_options(int argc, char *argv[], struct load *load)
{
    unsigned posters = 2;
    int name;
    while ((name = getopt_long(argc, argv, "", option_names, NULL)) != -1) {
        switch (name) {
        case 'c': load->address = loop_address(optarg); break;
        case 'r': load->room_count = (unsigned)loop_number("rooms", optarg, 1, ROOMS_MAX); break;
        case 'm':
            load->message_count = (unsigned)loop_number("messages", optarg, 1, MESSAGES_MAX);
            break;
        case 'e': load->dying_count = (unsigned)loop_number("expiring", optarg, 1, 100000); break;
        case 'w': load->window_ms = (unsigned)loop_number("window", optarg, 1, 600000); break;
        case 'o':
            posters = (unsigned)loop_number("posters", optarg, 1, POSTER_CONNECTIONS_MAX);
            break;
        default: exit(EXIT_FAILURE);
        }
    }
    if (!load->address.sin_port || load->dying_count > load->message_count)
        loop_fail("--connect is needed, and no more may expire than there are");
    return posters;
}

int main(int argc, char *argv[])
{
    struct load load = {
        .room_count = 100, .message_count = 100000, .dying_count = 1000, .window_ms = 10000};
    unsigned posters = read_options(argc, argv, &load);
    load.rooms = calloc(load.room_count, sizeof *load.rooms);
    load.dying = calloc(load.dying_count, sizeof *load.dying);
    if (!load.rooms || !load.dying)
        loop_fail("out of memory");
    samples_init(&load.lateness, load.dying_count);
    loop_init(&load.loop);
    open_rooms(&load);
    poster_start(&load.poster, &load.loop, &load.address, posters);
    uint64_t filling_us = loop_now_us();
    fill(&load);
    filling_us = loop_now_us() - filling_us;
    watch(&load);

    printf("{\"live\":%u,\"rooms\":%u,\"filling_us\":%" PRIu64 ",\"refused\":%" PRIu64
           ",\"missing\":%zu,",
           load.message_count, load.room_count, filling_us, load.poster.refused,
           load.dying_count - load.lateness.count);
    samples_print(&load.lateness, "lateness_us");
    printf("}\n");

    for (unsigned i = 0; i < load.room_count; i++)
        event_stream_stop(&load.rooms[i].stream);
    poster_stop(&load.poster);
    samples_fini(&load.lateness);
    free(load.dying);
    free(load.rooms);
    return EXIT_SUCCESS;
}

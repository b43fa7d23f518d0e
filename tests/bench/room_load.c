/*
 * Many rooms with a few readers each, and messages that come steadily: what do they cost a server,
 * beyond what rest costs it?
 *
 * First the processor time of rest is measured (`--rest`), then that of `--seconds` in which a
 * message is due every 1/RATE seconds, in one room after the other. Both are best whole periods of
 * the streams' comments (10 s). `--resting` names processes whose time is measured in the same
 * window though nothing is posted to them. Every message must reach each reader of its room once.
 *
 * With `--hold` the readers are opened and kept until standard input ends; nothing is posted.
 *
 * Prints one line of JSON. Times are in microseconds unless they say otherwise.
 */
#include "event_stream.h"
#include "loop.h"
#include "marks.h"
#include "poster.h"
#include "samples.h"
#include "usage.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    READERS_MAX = 19000,
    SECONDS_MAX = 60,
    OPENING_AT_ONCE = 200,
    POSTERS = 8,
    STALLED_US = 10 * 1000 * 1000,
    SECOND_US = 1000 * 1000,
};

struct options {
    struct sockaddr_in address;
    const char *prefix; /* of the rooms' names */
    struct usage_processes pids, resting;
    unsigned rooms, readers, rate, seconds, rest_s, text_len;
    bool hold;
};

struct load;

struct reader {
    struct event_stream stream;
    struct load *load;
    unsigned room;
    uint64_t read_us;
};

struct load {
    struct options options;
    struct loop loop;
    struct reader *readers;
    struct poster poster;
    uint64_t opened, bytes;
    unsigned *delivered; /* by message: to how many readers */
    unsigned sent;
    uint64_t deliveries;
    struct samples latencies;
};

/* ---- reading ---- */

static void take_message(void *context, unsigned number, uint64_t due_us)
{
    struct reader *reader = context;
    struct load *load = reader->load;
    if (number >= load->sent || number % load->options.rooms != reader->room)
        loop_fail("a reader got a message that was not for it: %u", number);
    if (++load->delivered[number] > load->options.readers)
        loop_fail("message %u came twice", number);
    load->deliveries++;
    samples_add(&load->latencies, (int64_t)(reader->read_us - due_us));
}

static size_t consume(struct event_stream *stream, const char *text, size_t len)
{
    struct reader *reader = (struct reader *)stream;
    reader->read_us = loop_now_us();
    return marks_take(text, len, take_message, reader);
}

static void open_reader(struct load *load, unsigned index)
{
    char path[128];
    struct reader *reader = &load->readers[index];
    reader->load = load;
    reader->room = index % load->options.rooms;
    reader->stream.consume = consume;
    reader->stream.opened = &load->opened;
    reader->stream.bytes = &load->bytes;
    snprintf(path, sizeof path, "/rooms/%s-%u/events", load->options.prefix, reader->room);
    event_stream_start(&reader->stream, &load->loop, &load->options.address, index, path);
}

static void open_readers(struct load *load)
{
    unsigned count = load->options.rooms * load->options.readers;
    uint64_t end_us = loop_now_us() + 3 * (uint64_t)STALLED_US;
    for (unsigned i = 0; i < count; i++) {
        open_reader(load, i);
        while (i + 1 - load->opened >= OPENING_AT_ONCE && loop_now_us() < end_us)
            loop_run(&load->loop, end_us);
    }
    while (load->opened < count && loop_now_us() < end_us)
        loop_run(&load->loop, end_us);
    if (load->opened < count)
        loop_fail("only %" PRIu64 " of %u readers were let in", load->opened, count);
}

static void run_until(struct load *load, uint64_t end_us)
{
    while (loop_now_us() < end_us)
        loop_run(&load->loop, end_us);
}

/* ---- posting ---- */

static void post(struct load *load, struct poster_connection *connection, uint64_t due_us)
{
    char path[128];
    char text[MARK_TEXT_MAX + 1];
    char body[POSTER_REQUEST_MAX];
    mark_text(text, load->options.text_len, load->sent, due_us);
    int len = snprintf(body, sizeof body, "{\"ttl\":600,\"message\":\"%s\"}", text);
    snprintf(path, sizeof path, "/rooms/%s-%u/messages", load->options.prefix,
             load->sent % load->options.rooms);
    load->sent++;
    poster_send(connection, path, body, (size_t)len);
}

/* Posts what is due by now; returns when the next message is. */
static uint64_t post_due(struct load *load, uint64_t start_us, unsigned count)
{
    while (load->sent < count) {
        uint64_t due_us = start_us + (uint64_t)load->sent * SECOND_US / load->options.rate;
        if (due_us > loop_now_us())
            return due_us;
        struct poster_connection *connection = poster_free_connection(&load->poster);
        if (!connection)
            break;
        post(load, connection, due_us);
    }
    return UINT64_MAX;
}

/* Posts for `--seconds`, and then until all that was posted has arrived. */
static void post_steadily(struct load *load)
{
    unsigned count = load->options.rate * load->options.seconds;
    uint64_t start_us = loop_now_us();
    uint64_t end_us = start_us + (uint64_t)load->options.seconds * SECOND_US;
    while (loop_now_us() < end_us || load->poster.answered < count ||
           load->deliveries < (uint64_t)count * load->options.readers) {
        if (loop_now_us() > end_us + STALLED_US)
            loop_fail("stalled: %u sent, %" PRIu64 " answered, %" PRIu64 " delivered", load->sent,
                      load->poster.answered, load->deliveries);
        uint64_t due_us = post_due(load, start_us, count);
        uint64_t limit_us = loop_now_us() < end_us ? end_us : end_us + STALLED_US + 1;
        loop_run(&load->loop, due_us < limit_us ? due_us : limit_us);
    }
}

/* ---- the whole ---- */

static void measure(struct load *load)
{
    const struct options *options = &load->options;
    uint64_t opening_us = loop_now_us();
    open_readers(load);
    opening_us = loop_now_us() - opening_us;
    poster_start(&load->poster, &load->loop, &options->address, POSTERS);
    run_until(load, loop_now_us() + SECOND_US);

    double rest_cpu_s = usage_of(&options->pids).cpu_s;
    uint64_t rest_us = loop_now_us();
    run_until(load, rest_us + (uint64_t)options->rest_s * SECOND_US);
    rest_us = loop_now_us() - rest_us;
    rest_cpu_s = usage_of(&options->pids).cpu_s - rest_cpu_s;

    struct usage before = usage_of(&options->pids);
    double resting_cpu_s = usage_of(&options->resting).cpu_s;
    uint64_t busy_us = loop_now_us();
    post_steadily(load);
    busy_us = loop_now_us() - busy_us;
    struct usage after = usage_of(&options->pids);
    resting_cpu_s = usage_of(&options->resting).cpu_s - resting_cpu_s;

    printf("{\"rooms\":%u,\"readers\":%u,\"opening_us\":%" PRIu64
           ",\"resident_kib\":%lu,\"threads\":%lu,\"rest_s\":%.3f,\"rest_cpu_s\":%.4f,"
           "\"messages\":%u,\"busy_s\":%.3f,\"busy_cpu_s\":%.4f,\"resting_cpu_s\":%.4f,"
           "\"refused\":%" PRIu64 ",",
           options->rooms, options->readers, opening_us, after.resident_kib, after.threads,
           (double)rest_us / 1e6, rest_cpu_s, load->sent, (double)busy_us / 1e6,
           after.cpu_s - before.cpu_s, resting_cpu_s, load->poster.refused);
    samples_print(&load->latencies, "latency_us");
    printf("}\n");
    poster_stop(&load->poster);
}

static void on_input(struct watcher *watcher)
{
    char ignored[64];
    if (read(watcher->fd, ignored, sizeof ignored) <= 0)
        exit(EXIT_SUCCESS);
}

/* Says that the readers are there, and keeps them until standard input ends. */
_Noreturn static void hold(struct load *load)
{
    struct watcher input = {.fd = STDIN_FILENO, .ready = on_input};
    uint64_t opening_us = loop_now_us();
    open_readers(load);
    printf("{\"opening_us\":%" PRIu64 "}\n", loop_now_us() - opening_us);
    fflush(stdout);
    loop_watch(&load->loop, &input);
    for (;;)
        loop_run(&load->loop, loop_now_us() + SECOND_US);
}

static const struct option option_names[] = {
    {"connect", required_argument, NULL, 'c'}, {"prefix", required_argument, NULL, 'p'},
    {"rooms", required_argument, NULL, 'n'},   {"readers", required_argument, NULL, 'r'},
    {"rate", required_argument, NULL, 'a'},    {"seconds", required_argument, NULL, 's'},
    {"rest", required_argument, NULL, 'e'},    {"text", required_argument, NULL, 't'},
    {"pids", required_argument, NULL, 'i'},    {"resting", required_argument, NULL, 'g'},
    {"hold", no_argument, NULL, 'h'},          {0},
};

static void set_option(struct options *options, int name, const char *value)
{
    switch (name) {
    case 'c': options->address = loop_address(value); break;
    case 'p': options->prefix = value; break;
    case 'i': options->pids = usage_parse(value); break;
    case 'g': options->resting = usage_parse(value); break;
    case 'h': options->hold = true; break;
    case 'n': options->rooms = (unsigned)loop_number("rooms", value, 1, READERS_MAX); break;
    case 'r': options->readers = (unsigned)loop_number("readers", value, 1, READERS_MAX); break;
    case 'a': options->rate = (unsigned)loop_number("rate", value, 1, 10000); break;
    case 's': options->seconds = (unsigned)loop_number("seconds", value, 1, SECONDS_MAX); break;
    case 'e': options->rest_s = (unsigned)loop_number("rest", value, 0, SECONDS_MAX); break;
    case 't':
        options->text_len = (unsigned)loop_number("text", value, MARK_LEN, MARK_TEXT_MAX);
        break;
    default: exit(EXIT_FAILURE);
    }
}

int main(int argc, char *argv[])
{
    struct load load = {
        .options = {.rooms = 1, .readers = 10, .rate = 150, .seconds = 10, .text_len = 200}};
    int name;
    while ((name = getopt_long(argc, argv, "", option_names, NULL)) != -1)
        set_option(&load.options, name, optarg);
    if (!load.options.address.sin_port || !load.options.prefix)
        loop_fail("--connect and --prefix are needed");
    size_t readers = (size_t)load.options.rooms * load.options.readers;
    if (readers > READERS_MAX)
        loop_fail("no more than %d readers", READERS_MAX);

    size_t messages = (size_t)load.options.rate * load.options.seconds;
    load.readers = calloc(readers, sizeof *load.readers);
    load.delivered = calloc(messages, sizeof *load.delivered);
    if (!load.readers || !load.delivered)
        loop_fail("out of memory");
    loop_init(&load.loop);
    if (load.options.hold)
        hold(&load);
    samples_init(&load.latencies, messages * load.options.readers);
    measure(&load);

    for (size_t i = 0; i < readers; i++)
        event_stream_stop(&load.readers[i].stream);
    samples_fini(&load.latencies);
    free(load.delivered);
    free(load.readers);
    return EXIT_SUCCESS;
}

/*
 * The load of the fan-out: N readers of one event stream and a few who post, in one thread.
 *
 * Every message carries its number and the time of its sending; each reader is checked to get every
 * message once, and all of them in the order in which the first one got them. Posts follow either
 * the deliveries (`--window` messages under way at most) or the clock (`--rate`); by the clock the
 * time that counts is when a message was due, so that a server which stalls is not spared.
 *
 * Prints one line of JSON. Times are in microseconds.
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

enum {
    READERS_MAX = 19000,
    MESSAGES_MAX = 100000,
    OPENING_AT_ONCE = 200,
    STALLED_US = 10 * 1000 * 1000,
    SETTLE_US = 500 * 1000,
};

struct options {
    struct sockaddr_in address;
    const char *events_path;
    const char *post_path;
    struct usage_processes processes;
    unsigned readers, messages, warmup, posters, window, rate, text_len;
    bool whole; /* post what the readers are to see, not what our API takes */
};

struct load;

struct reader {
    struct event_stream stream;
    struct load *load;
    unsigned next;    /* how many messages it has had */
    uint64_t read_us; /* when it last got something */
};

struct load {
    struct options options;
    struct loop loop;
    struct reader *readers;
    struct poster poster;
    uint64_t opened;
    uint64_t bytes;
    unsigned *order;     /* the messages' numbers as the first reader to get each got them */
    unsigned *delivered; /* by number: to how many readers */
    unsigned ordered;
    unsigned sent;
    unsigned completed; /* delivered to all readers */
    uint64_t last_delivery_us;
    struct samples latencies;
};

/* ---- reading ---- */

static void take_message(void *context, unsigned number, uint64_t due_us)
{
    struct reader *reader = context;
    struct load *load = reader->load;
    uint64_t now_us = reader->read_us;
    if (number >= load->sent)
        loop_fail("a message came that was not sent: %u", number);
    if (reader->next == load->ordered) {
        if (load->delivered[number])
            loop_fail("message %u came twice", number);
        load->order[load->ordered++] = number;
    }
    if (load->order[reader->next] != number)
        loop_fail("a reader got message %u where another had %u", number,
                  load->order[reader->next]);
    reader->next++;
    if (number >= load->options.warmup)
        samples_add(&load->latencies, (int64_t)(now_us - due_us));
    if (++load->delivered[number] == load->options.readers)
        load->completed++;
    load->last_delivery_us = now_us;
}

static size_t consume(struct event_stream *stream, const char *text, size_t len)
{
    struct reader *reader = (struct reader *)stream;
    reader->read_us = loop_now_us();
    return marks_take(text, len, take_message, reader);
}

/* Opens readers up to `count`, not too many at once: the kernel's queue for them has an end. */
static void open_readers(struct load *load, unsigned from, unsigned count)
{
    uint64_t end_us = loop_now_us() + 6 * (uint64_t)STALLED_US;
    for (unsigned i = from; i < count; i++) {
        struct reader *reader = &load->readers[i];
        reader->load = load;
        reader->stream.consume = consume;
        reader->stream.opened = &load->opened;
        reader->stream.bytes = &load->bytes;
        event_stream_start(&reader->stream, &load->loop, &load->options.address, i,
                           load->options.events_path);
        while (i + 1 - load->opened >= OPENING_AT_ONCE && loop_now_us() < end_us)
            loop_run(&load->loop, end_us);
    }
    while (load->opened < count && loop_now_us() < end_us)
        loop_run(&load->loop, end_us);
    if (load->opened < count)
        loop_fail("only %" PRIu64 " of %u readers were let in", load->opened, count);
}

static void settle(struct load *load)
{
    uint64_t end_us = loop_now_us() + SETTLE_US;
    while (loop_now_us() < end_us)
        loop_run(&load->loop, end_us);
}

/* ---- posting ---- */

static void post(struct load *load, struct poster_connection *connection, uint64_t sent_us)
{
    char body[POSTER_REQUEST_MAX];
    char text[MARK_TEXT_MAX + 1];
    mark_text(text, load->options.text_len, load->sent, sent_us);
    const char *form = load->options.whole
                           ? "{\"id\":\"%032u\",\"room\":\"bench\",\"message\":\"%s\","
                             "\"created_at\":\"2026-01-01T00:00:00.000Z\","
                             "\"expires_at\":\"2026-01-01T00:10:00.000Z\",\"expires_in\":600000}"
                           : "{\"ttl\":%u,\"message\":\"%s\"}";
    unsigned number = load->options.whole ? load->sent : 600;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    int len = snprintf(body, sizeof body, form, number, text);
#pragma GCC diagnostic pop
    load->sent++;
    poster_send(connection, load->options.post_path, body, (size_t)len);
}

/* When the next message may go, if it is for the clock to say. */
static uint64_t due_us(const struct load *load, uint64_t start_us, unsigned index)
{
    return start_us + (uint64_t)index * 1000000u / load->options.rate;
}

/* Sends what may be sent now; returns until when to wait for answers and deliveries. */
static uint64_t send_some(struct load *load, uint64_t start_us, unsigned first, unsigned last)
{
    struct poster_connection *connection;
    while (load->sent < last && (connection = poster_free_connection(&load->poster))) {
        uint64_t now_us = loop_now_us();
        uint64_t sent_us = now_us;
        if (load->options.rate)
            sent_us = due_us(load, start_us, load->sent - first);
        else if (load->sent - load->completed >= load->options.window)
            break;
        if (sent_us > now_us)
            return sent_us;
        post(load, connection, sent_us);
    }
    return loop_now_us() + STALLED_US;
}

/* Sends messages up to number `last` and waits until all readers have all of them. */
static void run(struct load *load, unsigned last)
{
    unsigned first = load->sent;
    uint64_t start_us = loop_now_us();
    load->last_delivery_us = start_us;
    while (load->completed < last || load->poster.answered < last) {
        loop_run(&load->loop, send_some(load, start_us, first, last));
        if (loop_now_us() > load->last_delivery_us + STALLED_US)
            loop_fail("stalled: %u sent, %" PRIu64 " answered, %u delivered to all", load->sent,
                      load->poster.answered, load->completed);
    }
}

/* ---- the whole ---- */

/* What the processes use: with one reader, with all of them, and before and after the messages. */
struct stages {
    struct usage alone, all, before, after;
};

static void print_stages(const struct stages *stages)
{
    printf("\"server_cpu_s\":%.3f,\"resident_kib\":[%lu,%lu,%lu],\"threads\":[%lu,%lu,%lu],",
           stages->after.cpu_s - stages->before.cpu_s, stages->alone.resident_kib,
           stages->all.resident_kib, stages->after.resident_kib, stages->alone.threads,
           stages->all.threads, stages->after.threads);
}

/* Lets all readers in; returns how long that took those behind the first. */
static uint64_t open_all(struct load *load, struct stages *stages)
{
    open_readers(load, 0, 1);
    settle(load);
    stages->alone = usage_of(&load->options.processes);
    uint64_t start_us = loop_now_us();
    open_readers(load, 1, load->options.readers);
    uint64_t took_us = loop_now_us() - start_us;
    settle(load);
    stages->all = usage_of(&load->options.processes);
    return took_us;
}

static void measure(struct load *load)
{
    const struct options *options = &load->options;
    struct stages stages;
    uint64_t opening_us = open_all(load, &stages);
    run(load, options->warmup);

    uint64_t bytes = load->bytes;
    stages.before = usage_of(&options->processes);
    double own_cpu_s = usage_own_cpu_s();
    uint64_t start_us = loop_now_us();
    run(load, options->warmup + options->messages);
    double seconds = (double)(load->last_delivery_us - start_us) / 1e6;
    own_cpu_s = usage_own_cpu_s() - own_cpu_s;
    stages.after = usage_of(&options->processes);
    double deliveries = (double)options->messages * options->readers;

    printf("{\"readers\":%u,\"deliveries\":%.0f,\"seconds\":%.3f,\"rate\":%.0f,"
           "\"bytes_a_delivery\":%.1f,\"refused\":%" PRIu64 ",\"opening_us\":%" PRIu64
           ",\"own_cpu_s\":%.2f,",
           options->readers, deliveries, seconds, deliveries / seconds,
           (double)(load->bytes - bytes) / deliveries, load->poster.refused, opening_us, own_cpu_s);
    print_stages(&stages);
    samples_print(&load->latencies, "latency_us");
    printf("}\n");
}

static const struct option option_names[] = {
    {"connect", required_argument, NULL, 'c'},
    {"events", required_argument, NULL, 'e'},
    {"post", required_argument, NULL, 'p'},
    {"whole", no_argument, NULL, 'a'},
    {"readers", required_argument, NULL, 'n'},
    {"messages", required_argument, NULL, 'm'},
    {"warmup", required_argument, NULL, 'u'},
    {"posters", required_argument, NULL, 'o'},
    {"window", required_argument, NULL, 'w'},
    {"rate", required_argument, NULL, 'r'},
    {"text", required_argument, NULL, 't'},
    {"pids", required_argument, NULL, 'i'},
    {0},
};

static void set_option(struct options *options, int name, const char *value)
{
    switch (name) {
    case 'c': options->address = loop_address(value); break;
    case 'e': options->events_path = value; break;
    case 'p': options->post_path = value; break;
    case 'i': options->processes = usage_parse(value); break;
    case 'a': options->whole = true; break;
    case 'n': options->readers = (unsigned)loop_number("readers", value, 1, READERS_MAX); break;
    case 'm': options->messages = (unsigned)loop_number("messages", value, 1, MESSAGES_MAX); break;
    case 'u': options->warmup = (unsigned)loop_number("warmup", value, 0, MESSAGES_MAX); break;
    case 'w': options->window = (unsigned)loop_number("window", value, 1, MESSAGES_MAX); break;
    case 'r': options->rate = (unsigned)loop_number("rate", value, 1, 1000000); break;
    case 't':
        options->text_len = (unsigned)loop_number("text", value, MARK_LEN, MARK_TEXT_MAX);
        break;
    case 'o':
        options->posters = (unsigned)loop_number("posters", value, 1, POSTER_CONNECTIONS_MAX);
        break;
    default: exit(EXIT_FAILURE);
    }
}

static void *array(size_t count, size_t size)
{
    void *elements = calloc(count, size);
    if (!elements)
        loop_fail("out of memory");
    return elements;
}

int main(int argc, char *argv[])
{
    struct load load = {.options = {.readers = 1000,
                                    .messages = 300,
                                    .warmup = 20,
                                    .posters = 2,
                                    .window = 4,
                                    .text_len = 200}};
    int name;
    while ((name = getopt_long(argc, argv, "", option_names, NULL)) != -1)
        set_option(&load.options, name, optarg);
    if (!load.options.address.sin_port || !load.options.events_path || !load.options.post_path)
        loop_fail("--connect, --events and --post are needed");

    size_t messages = load.options.warmup + load.options.messages;
    load.readers = array(load.options.readers, sizeof *load.readers);
    load.order = array(messages, sizeof *load.order);
    load.delivered = array(messages, sizeof *load.delivered);
    samples_init(&load.latencies, (size_t)load.options.messages * load.options.readers);
    loop_init(&load.loop);
    poster_start(&load.poster, &load.loop, &load.options.address, load.options.posters);
    measure(&load);

    for (unsigned i = 0; i < load.options.readers; i++)
        event_stream_stop(&load.readers[i].stream);
    poster_stop(&load.poster);
    samples_fini(&load.latencies);
    free(load.delivered);
    free(load.order);
    free(load.readers);
    return EXIT_SUCCESS;
}

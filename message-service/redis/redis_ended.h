/*
 * The messages that came out of Redis, as far as they are remembered: none that this process has
 * seen end is shown again, even if Redis' clock is set back or an old copy of its data returns.
 *
 * Any thread.
 */
#ifndef TEMPMESSENGER_REDIS_ENDED_H
#define TEMPMESSENGER_REDIS_ENDED_H

#include "message_list.h"

#include <pthread.h>
#include <stdbool.h>

/* A set holds some of the messages whose ids are alike; the one that ends first makes room. */
enum { REDIS_ENDED_SETS = 16384, REDIS_ENDED_SET_SIZE = 4 };

struct redis_ended_entry {
    uint64_t id; /* folded; 0: none */
    uint64_t deadline_us;
};

/* Initialise the lock with redis_ended_init, the rest with zeros. */
struct redis_ended {
    pthread_mutex_t lock;
    struct redis_ended_entry sets[REDIS_ENDED_SETS][REDIS_ENDED_SET_SIZE];
};

void redis_ended_init(struct redis_ended *ended);
void redis_ended_fini(struct redis_ended *ended);

/* Whether `message` was seen before and had its end, as then known, by `now_us`. Otherwise it is
 * remembered. */
bool redis_ended_check(struct redis_ended *ended, const struct message *message, uint64_t now_us);

/* Takes those off the list. */
void redis_ended_filter(struct redis_ended *ended, struct message_list *list, uint64_t now_us);

#endif

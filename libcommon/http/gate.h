/*
 * A bound on how many threads do something at one time; one more waits a little, then is refused.
 *
 * Any thread, between gate_init and gate_fini.
 */
#ifndef TEMPMESSENGER_GATE_H
#define TEMPMESSENGER_GATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t left;
    unsigned places; /* free; under `lock` */
};

void gate_init(struct gate *gate, unsigned places);
void gate_fini(struct gate *gate);

/* Takes a place, waiting for one at most `wait_ms`; false where there is none. */
bool gate_enter(struct gate *gate, uint64_t wait_ms) __attribute__((warn_unused_result));

/* Gives the place back. */
void gate_leave(struct gate *gate);

#endif

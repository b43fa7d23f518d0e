/*
 * A counting semaphore that waits by the monotonic clock, which sem_timedwait does not.
 */
#include "gate.h"

#include "cleanup.h"
#include "clock.h"

void gate_init(struct gate *gate, unsigned places)
{
    pthread_mutex_init(&gate->lock, NULL);
    clock_cond_init(&gate->left);
    gate->places = places;
}

void gate_fini(struct gate *gate)
{
    pthread_cond_destroy(&gate->left);
    pthread_mutex_destroy(&gate->lock);
}

bool gate_enter(struct gate *gate, uint64_t wait_ms)
{
    LOCKED(&gate->lock);
    if (!gate->places) {
        struct timespec until = clock_timespec(clock_monotonic_us(&clock_system) + wait_ms * 1000);
        while (!gate->places)
            if (pthread_cond_timedwait(&gate->left, &gate->lock, &until) != 0)
                break;
    }
    if (!gate->places)
        return false;
    gate->places--;
    return true;
}

void gate_leave(struct gate *gate)
{
    LOCKED(&gate->lock);
    gate->places++;
    pthread_cond_signal(&gate->left);
}

/*
 * A table of fixed size, without allocation: in the worst case what it forgets is shown again, as
 * it was without it. Ids are random: 63 bits of them tell messages apart.
 */
#include "redis_ended.h"

#include "cleanup.h"

#include <stdlib.h>
#include <string.h>

void redis_ended_init(struct redis_ended *ended)
{
    pthread_mutex_init(&ended->lock, NULL);
}

void redis_ended_fini(struct redis_ended *ended)
{
    pthread_mutex_destroy(&ended->lock);
}

/* Both halves of the id in one number, never 0. */
static uint64_t fold_id(const char *id)
{
    enum { HALF = MESSAGE_ID_LEN / 2 };
    char half[HALF + 1] = "";
    memcpy(half, id, HALF);
    return (strtoull(half, NULL, 16) ^ strtoull(id + HALF, NULL, 16)) | 1;
}

static bool check(struct redis_ended *ended, const struct message *message, uint64_t now_us)
{
    uint64_t id = fold_id(message->id);
    struct redis_ended_entry *set = ended->sets[(id >> 1) % REDIS_ENDED_SETS], *oldest = set;
    for (size_t i = 0; i < REDIS_ENDED_SET_SIZE; i++) {
        if (set[i].id == id)
            return set[i].deadline_us <= now_us;
        if (set[i].deadline_us < oldest->deadline_us)
            oldest = &set[i];
    }
    *oldest = (struct redis_ended_entry){id, message->deadline_us};
    return false;
}

bool redis_ended_check(struct redis_ended *ended, const struct message *message, uint64_t now_us)
{
    LOCKED(&ended->lock);
    return check(ended, message, now_us);
}

void redis_ended_filter(struct redis_ended *ended, struct message_list *list, uint64_t now_us)
{
    LOCKED(&ended->lock);
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct message *message = list->messages[i];
        if (check(ended, message, now_us))
            message_release(message);
        else
            list->messages[kept++] = message;
    }
    list->count = kept;
}

/*
 * What a message store is opened with.
 */
#ifndef TEMPMESSENGER_MESSAGE_STORE_CONFIG_H
#define TEMPMESSENGER_MESSAGE_STORE_CONFIG_H

#include "clock.h"

#include <stdint.h>

struct message_store_config {
    const char *url;     /* memory:, redis://[user:password@]host[:port][/db], unix:///path */
    const char *prefix;  /* of every key */
    uint64_t timeout_ms; /* of a call, connecting included */
    uint64_t room_max_messages;
    uint64_t room_max_bytes; /* of the live messages, as draft_size counts them */
    unsigned connections;    /* at most, to a store that is reached over connections */
    const struct clock *clock;
};

#endif

/*
 * Where a room's count of messages stood at one moment.
 */
#ifndef TEMPMESSENGER_MESSAGE_STORE_POSITION_H
#define TEMPMESSENGER_MESSAGE_STORE_POSITION_H

#include <stdint.h>

/*
 * No message accepted up to that moment has a number above `number`, and every later one has.
 * Numbers are comparable where `epoch` is the same; a store that lost its count begins another
 * epoch. Both are 0 where the store knows of no message in the room.
 */
struct message_store_position {
    uint64_t epoch;
    uint64_t number;
};

#endif

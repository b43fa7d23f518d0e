#include "message_list.h"

#include <stdlib.h>

void message_list_fini(struct message_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        message_release(list->messages[i]);
    free(list->messages);
    *list = (struct message_list){0};
}

#include "http_chunk.h"

#include <stdio.h>
#include <string.h>

struct blob *http_chunk_new(const char *bytes, size_t len)
{
    char head[24];
    size_t head_len = (size_t)snprintf(head, sizeof head, "%zX\r\n", len);
    struct blob *chunk = blob_of_size(head_len + len + HTTP_CHUNK_END_LEN);
    if (!chunk)
        return NULL;
    memcpy(chunk->data, head, head_len);
    memcpy(chunk->data + head_len, bytes, len);
    memcpy(chunk->data + head_len + len, "\r\n", HTTP_CHUNK_END_LEN);
    return chunk;
}

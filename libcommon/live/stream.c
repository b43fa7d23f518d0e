#include "stream.h"

void stream_source_init(struct stream_source *source, const struct stream_source_ops *ops,
                        pthread_mutex_t *lock)
{
    source->ops = ops;
    source->lock = lock;
    source->streams = 0;
    source->loop = 0;
    for (unsigned i = 0; i < STREAM_LOOPS_MAX; i++)
        ring_init(&source->waiting[i]);
}

void stream_send(struct stream *stream, struct blob *output, size_t from)
{
    blob_release(stream->output);
    stream->output = output;
    stream->sent = from;
}

void stream_end(struct stream *stream)
{
    stream->ending = true;
}

void stream_wait(struct stream *stream, unsigned loop)
{
    ring_remove(&stream->place);
    ring_append(&stream->source->waiting[loop], &stream->place);
}

/*
 * A whole file read into memory: the services read a few small ones as they start.
 */
#ifndef TEMPMESSENGER_FILE_H
#define TEMPMESSENGER_FILE_H

#include "error.h"

#include <stddef.h>

/*
 * Reads the file at `path`, of at most `max` bytes. A pipe is read to its end too, which can take
 * as long as its writer likes.
 *
 * *ret_data, which the caller frees with free(), is never NULL and has a NUL behind its *ret_len
 * bytes that the length does not count.
 *
 * The causes are for the operator and do not name the file: the caller knows what it is for.
 * TOO_LARGE for a longer file; INTERNAL for one that cannot be opened or read, such as a directory,
 * and when out of memory.
 */
enum error_code file_read(const char *path, size_t max, char **ret_data, size_t *ret_len,
                          struct error *err) ERROR_MUST_USE;

/* The same for an open file, from where it stands. `fd` remains the caller's. */
enum error_code file_read_fd(int fd, size_t max, char **ret_data, size_t *ret_len,
                             struct error *err) ERROR_MUST_USE;

#endif

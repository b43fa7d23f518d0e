/*
 * Reads to the end of the file and ignores its size: pipes and the files of /proc have none, and an
 * ordinary file may grow between stat and read. So there is room for one byte more than the
 * maximum, and a file that fills it is too large.
 *
 * The caller decides which kind of file it takes; where a link or a FIFO could be a trap, it opens
 * the file itself and hands over the descriptor.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads until the end or until `size` bytes are there. */
static enum error_code read_bytes(int fd, char *data, size_t size, size_t *ret_len,
                                  struct error *err)
{
    size_t len = 0;
    while (len < size) {
        ssize_t got = read(fd, data + len, size - len);
        if (got < 0)
            return error_because(err, ERROR_INTERNAL, "%s", strerror(errno));
        if (got == 0)
            break;
        len += (size_t)got;
    }
    *ret_len = len;
    return ERROR_NONE;
}

enum error_code file_read_fd(int fd, size_t max, char **ret_data, size_t *ret_len,
                             struct error *err)
{
    size_t len = 0;
    char *data = malloc(max + 1);
    if (!data)
        return error_because(err, ERROR_INTERNAL, "out of memory");
    enum error_code code = read_bytes(fd, data, max + 1, &len, err);
    if (!code && len > max)
        code = error_because(err, ERROR_TOO_LARGE, "the file is too large");
    if (code) {
        free(data);
        return code;
    }
    data[len] = '\0';
    /* Most files are far below their limit, and a sanitizer sees the end of an exact block. If
     * realloc fails, the larger one serves too. */
    char *exact = realloc(data, len + 1);
    if (exact)
        data = exact;
    *ret_data = data;
    *ret_len = len;
    return ERROR_NONE;
}

enum error_code file_read(const char *path, size_t max, char **ret_data, size_t *ret_len,
                          struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_because(err, ERROR_INTERNAL, "%s", strerror(errno));
    enum error_code code = file_read_fd(fd, max, ret_data, ret_len, err);
    close(fd);
    return code;
}

/*
 * The files are few and small, so all are in memory, sorted by name and found by bisection: a
 * request costs no system call, cannot be made to wait for a disk, and has no path to climb.
 * A changed file is seen at the next start, together with the page that refers to it.
 *
 * The operator's mistakes (a stray file, a type that is not known) stop the start with their name:
 * a file served under a guessed type would only fail later, in somebody's browser.
 */
#include "static_files.h"
#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct static_files {
    size_t count;
    struct static_file files[STATIC_FILES_COUNT_MAX]; /* by name */
};

static const struct {
    const char *extension, *type;
} types[] = {
    {"js", "text/javascript; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"css", "text/css; charset=utf-8"},
    {"svg", "image/svg+xml"},
    {"png", "image/png"},
    {"ico", "image/vnd.microsoft.icon"},
    {"webmanifest", "application/manifest+json"},
    {"txt", "text/plain; charset=utf-8"},
    {"json", "application/json"},
};

static const char *type_of(const char *name)
{
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof types / sizeof types[0]; i++)
        if (strcmp(dot + 1, types[i].extension) == 0)
            return types[i].type;
    return NULL;
}

static bool is_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    static const char others[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t len = strlen(name);
    return len > 0 && len <= STATIC_FILES_NAME_MAX && strchr(letters, name[0]) &&
           strspn(name, others) == len;
}

/* Fills in the data of `file`, which the caller frees even on failure. */
static enum error_code read_data(int fd, struct static_file *file, struct error *err)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return error_because(err, ERROR_INTERNAL, "%s", strerror(errno));
    if (!S_ISREG(status.st_mode))
        return error_because(err, ERROR_INTERNAL, "not a regular file");
    enum error_code code = file_read_fd(fd, STATIC_FILES_SIZE_MAX, &file->data, &file->len, err);
    if (!code && file->len < (size_t)status.st_size)
        code = error_because(err, ERROR_INTERNAL, "the file shrank while it was read");
    return code;
}

/* The cause of a failure does not name the file. */
static enum error_code load_file(int dir_fd, const char *name, struct static_file *file,
                                 struct error *err)
{
    if (!is_name(name))
        return error_because(err, ERROR_INTERNAL,
                             "a name is 1 to %d of a-z, 0-9, ., _ and -, and begins with a letter "
                             "or a digit",
                             STATIC_FILES_NAME_MAX);
    snprintf(file->name, sizeof file->name, "%s", name);
    file->type = type_of(name);
    if (!file->type)
        return error_because(err, ERROR_INTERNAL, "no content type is known for its extension");
    /* O_NONBLOCK: opening a FIFO would wait for its writer */
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_because(err, ERROR_INTERNAL, "%s", strerror(errno));
    enum error_code code = read_data(fd, file, err);
    close(fd);
    if (!code)
        entity_tag_make(file->data, file->len, file->etag);
    return code;
}

static enum error_code load_all(struct static_files *files, DIR *dir, struct error *err)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry && errno)
            return error_because(err, ERROR_INTERNAL, "static: %s", strerror(errno));
        if (!entry)
            return ERROR_NONE;
        if (entry->d_name[0] == '.')
            continue;
        if (files->count == STATIC_FILES_COUNT_MAX)
            return error_because(err, ERROR_INTERNAL, "static: more than %d files",
                                 STATIC_FILES_COUNT_MAX);
        struct error why = {0};
        if (load_file(dirfd(dir), entry->d_name, &files->files[files->count++], &why))
            return error_because(err, ERROR_INTERNAL, "static/%s: %s", entry->d_name, why.cause);
    }
}

static int compare_files(const void *left, const void *right)
{
    const struct static_file *a = left, *b = right;
    return strcmp(a->name, b->name);
}

static int compare_name(const void *name, const void *file)
{
    return strcmp(name, ((const struct static_file *)file)->name);
}

static DIR *open_dir(const char *template_dir)
{
    int parent = open(template_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = parent < 0 ? -1 : openat(parent, "static", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    int error = errno;
    if (parent >= 0)
        close(parent);
    if (!dir && fd >= 0)
        close(fd);
    errno = error;
    return dir;
}

enum error_code static_files_load(const char *template_dir, struct static_files **ret_files,
                                  struct error *err)
{
    DIR *dir = open_dir(template_dir);
    if (!dir)
        return error_because(err, ERROR_INTERNAL, "%s/static: %s", template_dir, strerror(errno));
    struct static_files *files = calloc(1, sizeof *files);
    if (!files) {
        closedir(dir);
        return error_because(err, ERROR_INTERNAL, "static: out of memory");
    }
    enum error_code code = load_all(files, dir, err);
    closedir(dir);
    if (code) {
        static_files_free(files);
        return code;
    }
    qsort(files->files, files->count, sizeof files->files[0], compare_files);
    *ret_files = files;
    return ERROR_NONE;
}

void static_files_free(struct static_files *files)
{
    if (!files)
        return;
    for (size_t i = 0; i < files->count; i++)
        free(files->files[i].data);
    free(files);
}

const struct static_file *static_files_find(const struct static_files *files, const char *name)
{
    return bsearch(name, files->files, files->count, sizeof files->files[0], compare_name);
}

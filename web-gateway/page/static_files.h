/*
 * The page's own script, style and icons: the files of one flat directory, read into memory at the
 * start. A request's path is compared with names in memory and never reaches the file system.
 *
 * Immutable after the load; any thread.
 */
#ifndef TEMPMESSENGER_STATIC_FILES_H
#define TEMPMESSENGER_STATIC_FILES_H

#include "cleanup.h"
#include "entity_tag.h"
#include "error.h"

#include <stddef.h>

enum {
    STATIC_FILES_COUNT_MAX = 64,
    STATIC_FILES_NAME_MAX = 64,         /* bytes of a name */
    STATIC_FILES_SIZE_MAX = 1024 * 1024 /* bytes of one file */
};

struct static_file {
    char name[STATIC_FILES_NAME_MAX + 1];
    const char *type; /* for Content-Type; static */
    char etag[ENTITY_TAG_SIZE];
    char *data; /* never NULL, even where len is 0 */
    size_t len;
};

struct static_files;

/*
 * Loads every file of `<template_dir>/static/`. What begins with a dot is passed over; everything
 * else must be a regular file (or a link to one) called [a-z0-9][a-z0-9._-]* with an extension that
 * has a content type here: js mjs css svg png ico webmanifest txt json.
 * INTERNAL, with a cause for the operator, for what is not so, each limit above, and a directory or
 * a file that cannot be read.
 */
enum error_code static_files_load(const char *template_dir, struct static_files **ret_files,
                                  struct error *err) ERROR_MUST_USE;

/* Takes NULL. */
void static_files_free(struct static_files *files);

/* The file called `name`, which may be any string; NULL when there is none. Lives as long as
 * `files`. */
const struct static_file *static_files_find(const struct static_files *files, const char *name);

CLEANUP_DEFINE(struct static_files, static_files_free)

#endif

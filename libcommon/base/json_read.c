/*
 * jansson (2.14) reports a failed allocation as a syntax error, or not at all: where a string
 * cannot grow, it goes on without the byte that did not fit. So this file does not rely on it.
 * jansson allocates through our function, which is malloc and a note for the thread that it runs
 * on; a result that was read with such a note is thrown away.
 *
 * The functions are set before main: jansson has one pair for all threads, without a lock. Memory
 * that was allocated before, or that a library frees with free(), is malloc's all the same.
 */
#include "json_read.h"

#include <stdbool.h>
#include <stdlib.h>

static _Thread_local bool out_of_memory;

static void *allocate(size_t size)
{
    void *memory = malloc(size);
    if (!memory)
        out_of_memory = true;
    return memory;
}

__attribute__((constructor)) static void set_functions(void)
{
    json_set_alloc_funcs(allocate, free);
}

enum error_code json_read(const void *json, size_t len, size_t flags, json_t **ret_json,
                          json_error_t *ret_fault)
{
    out_of_memory = false;
    json_t *read = json_loadb(json, len, flags, ret_fault);
    if (out_of_memory) {
        json_decref(read);
        return ERROR_INTERNAL;
    }
    if (!read)
        return ERROR_INVALID_JSON;
    *ret_json = read;
    return ERROR_NONE;
}

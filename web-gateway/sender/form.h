/*
 * A browser's form as application/x-www-form-urlencoded (the URL standard's parser).
 */
#ifndef TEMPMESSENGER_FORM_H
#define TEMPMESSENGER_FORM_H

#include "error.h"

#include <stddef.h>

enum { FORM_FIELDS_MAX = 64 };

/*
 * Finds the first field called `name` in the `len` bytes of `body` and decodes its value: + is a
 * space, %XX a byte, and a % that no two hex digits follow stands for itself.
 *
 * *ret_value is NULL where there is no such field; otherwise it is the caller's, to be freed with
 * free(), and has a NUL behind its *ret_len bytes. The bytes are the sender's: the caller checks
 * them for NULs and broken UTF-8. Line breaks are CRLF, as browsers send them in every form.
 *
 * TOO_LARGE when FORM_FIELDS_MAX fields went by without it and there are more; INTERNAL when out of
 * memory. Any thread; takes time linear in `len`.
 */
enum error_code form_field(const char *body, size_t len, const char *name, char **ret_value,
                           size_t *ret_len) ERROR_MUST_USE;

#endif

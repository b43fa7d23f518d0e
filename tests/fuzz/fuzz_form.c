/*
 * A browser's form: the name of a field, a line break, the body. A value is no longer than the body
 * and ends in a NUL; and any value, once encoded, is read back to the byte.
 */
#include "buffer.h"
#include "cleanup.h"
#include "form.h"
#include "input.h"

#include <stdlib.h>
#include <string.h>

enum { ENCODED_MAX = 16 * 1024 * 1024 };

static void append_encoded(struct buffer *form, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] == ' ')
            buffer_append(form, "+", 1);
        else if (strchr("%&+=", bytes[i]) || i % 3 == 0) /* strchr finds NUL too */
            buffer_append_format(form, i % 2 ? "%%%02x" : "%%%02X", (unsigned char)bytes[i]);
        else
            buffer_append(form, bytes + i, 1);
    }
}

static void check_value(const char *name, const char *value, size_t len)
{
    CLEANUP_FINI(buffer_fini) struct buffer form;
    buffer_init(&form, ENCODED_MAX);
    buffer_append_string(&form, "&&x=1&");
    append_encoded(&form, name, strlen(name));
    buffer_append(&form, "=", 1);
    append_encoded(&form, value, len);
    buffer_append_string(&form, "&x=2");
    REQUIRE(!form.failed);
    char *found = NULL;
    size_t found_len = 0;
    REQUIRE(form_field(form.data, form.len, name, &found, &found_len) == ERROR_NONE && found);
    REQUIRE(found_len == len && (!len || memcmp(found, value, len) == 0) && !found[len]);
    free(found);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct input input = {bytes, len};
    char *name = input_string(&input, '\n');
    size_t body_len;
    char *body = input_rest(&input, &body_len);
    char *value = NULL;
    size_t value_len = 0;
    enum error_code code = form_field(body, body_len, name, &value, &value_len);
    REQUIRE(code == ERROR_NONE || code == ERROR_TOO_LARGE);
    if (value) {
        REQUIRE(!code && value_len <= body_len && !value[value_len]);
        free(value);
    }
    if (strcmp(name, "x") != 0)
        check_value(name, body, body_len);
    free(body);
    free(name);
    return 0;
}

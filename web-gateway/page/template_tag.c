/*
 * Reads a tag's kind and name, and whether it has its line to itself. Here are the grammar of names
 * and the list of tags that the language has and this engine refuses. The meaning of a tag, and
 * where it may stand, are the parser's.
 *
 * A tag that stands alone takes its whole line, so that the lines of sections, comments and
 * partials leave no empty line behind; its blanks are a partial's indentation.
 */
#include "template_tag.h"

#include <string.h>

/* Why a tag of the language is refused, by the byte behind {{. NULL where it is not. */
static const char *unsupported(char sigil)
{
    switch (sigil) {
    case '{': return "{{{ is not supported: variables are always escaped";
    case '&': return "{{& is not supported: variables are always escaped";
    case '=': return "{{= is not supported: the delimiters are always {{ and }}";
    case '<': return "{{< is not supported: use a partial, there is no inheritance";
    case '$': return "{{$ is not supported: use a partial, there is no inheritance";
    default: return NULL;
    }
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

static bool is_space(char byte)
{
    return is_blank(byte) || byte == '\r' || byte == '\n';
}

static struct template_span trim(struct template_span span)
{
    while (span.len && is_space(span.data[0]))
        span = (struct template_span){span.data + 1, span.len - 1};
    while (span.len && is_space(span.data[span.len - 1]))
        span.len--;
    return span;
}

static bool is_lower_name_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '_' ||
           byte == '-';
}

static bool is_partial_name(struct template_span name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!is_lower_name_byte(name.data[i]))
            return false;
    return name.len > 0 && name.len <= TEMPLATE_NAME_MAX;
}

/* Parts of A-Z a-z 0-9 _ - with single dots between, or one dot alone. */
static bool is_name(struct template_span name)
{
    if (name.len == 1 && name.data[0] == '.')
        return true;
    bool part_is_empty = true;
    for (size_t i = 0; i < name.len; i++) {
        char byte = name.data[i];
        if (byte == '.' ? part_is_empty
                        : !is_lower_name_byte(byte) && !(byte >= 'A' && byte <= 'Z'))
            return false;
        part_is_empty = byte == '.';
    }
    return !part_is_empty && name.len <= TEMPLATE_NAME_MAX;
}

/* Whether the tag has its line to itself; then it takes the whole line, its end included. */
static void find_standalone(const struct template_file *file, struct template_tag *tag)
{
    size_t begin = tag->begin;
    while (begin > 0 && is_blank(file->source[begin - 1]))
        begin--;
    size_t end = tag->end;
    while (end < file->len && is_blank(file->source[end]))
        end++;
    if (begin > 0 && file->source[begin - 1] != '\n')
        return;
    if (end + 1 < file->len && file->source[end] == '\r' && file->source[end + 1] == '\n')
        end++;
    if (end < file->len && file->source[end] != '\n')
        return;
    tag->standalone = true;
    tag->indentation = (struct template_span){file->source + begin, tag->begin - begin};
    tag->begin = begin;
    tag->end = end < file->len ? end + 1 : end;
}

enum error_code template_tag_read(const struct template_file *file, size_t begin,
                                  struct template_tag *ret_tag, struct error *err)
{
    size_t content = begin + 2;
    char sigil = '\0';
    if (content < file->len)
        sigil = file->source[content];
    if (unsupported(sigil))
        return template_file_refuse(err, file, begin, "%s", unsupported(sigil));
    if (sigil && strchr("#^/>!", sigil))
        content++;
    else
        sigil = '\0';
    const char *close = memmem(file->source + content, file->len - content, "}}", 2);
    if (!close)
        return template_file_refuse(err, file, begin, "{{ is not closed");
    size_t close_at = (size_t)(close - file->source);
    struct template_tag tag = {.begin = begin, .end = close_at + 2, .sigil = sigil};
    tag.name = trim((struct template_span){file->source + content, close_at - content});
    if (sigil == '>' && !is_partial_name(tag.name))
        return template_file_refuse(err, file, begin,
                                    "a partial's name is 1 to %d of a-z, 0-9, _ and -",
                                    TEMPLATE_NAME_MAX);
    if (sigil != '>' && sigil != '!' && !is_name(tag.name))
        return template_file_refuse(
            err, file, begin,
            "a name is a dot, or parts of A-Z, a-z, 0-9, _ and - with a dot "
            "between, at most %d in all",
            TEMPLATE_NAME_MAX);
    if (sigil)
        find_standalone(file, &tag);
    *ret_tag = tag;
    return ERROR_NONE;
}

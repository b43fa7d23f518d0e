/*
 * What the templates are filled in with, and nothing of how it looks.
 *
 * What does not change is rendered once: at the load, the templates become forms (page_form.c), one
 * for each language and each combination of the page's switches. A page is then copied together
 * from them. Messages have no cache: filling in the form of one costs little more than copying it,
 * and its remaining time would be wrong in any copy.
 */
#include "page.h"

#include "page_form.h"
#include "page_language.h"
#include "page_lifetimes.h"
#include "template.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { HOST_MAX = 255 };

static const char host_default[] = "localhost:8000";

/* What a form of home.html is made for. */
enum { SWITCH_LOBBY = 1, SWITCH_EMPTY = 2, SWITCH_PAUSED = 4, SWITCHES = 8 };

enum { HOME_ROOM, HOME_HOST, HOME_TEXT_MAX, HOME_LIFETIMES, HOME_MESSAGES, HOME_NAMES };
static const char *const home_names[HOME_NAMES] = {
    [HOME_ROOM] = "room",           [HOME_HOST] = "host",         [HOME_TEXT_MAX] = "text_max",
    [HOME_LIFETIMES] = "lifetimes", [HOME_MESSAGES] = "messages",
};

enum {
    MESSAGE_ID,
    MESSAGE_AUTHOR,
    MESSAGE_TEXT,
    MESSAGE_CREATED_AT,
    MESSAGE_SENT_AT,
    MESSAGE_LEFT,
    MESSAGE_EXPIRES_IN,
    MESSAGE_LIFETIME,
    MESSAGE_NAMES
};
static const char *const message_names[MESSAGE_NAMES] = {
    [MESSAGE_ID] = "id",
    [MESSAGE_AUTHOR] = "author",
    [MESSAGE_TEXT] = "message",
    [MESSAGE_CREATED_AT] = "created_at",
    [MESSAGE_SENT_AT] = "sent_at",
    [MESSAGE_LEFT] = "left",
    [MESSAGE_EXPIRES_IN] = "expires_in",
    [MESSAGE_LIFETIME] = "lifetime",
};

/* The forms of one language. */
struct forms {
    struct page_language language;
    struct page_form *home[SWITCHES];
    struct page_form *message;
    struct page_lifetimes lifetimes;
};

struct page {
    struct forms forms[PAGE_LANGUAGE_COUNT];
};

/* ---- loading ---- */

/* The templates, which the forms do not need any more. */
struct templates {
    struct template *home, *message, *lifetime;
};

static void templates_fini(struct templates *templates)
{
    template_free(templates->home);
    template_free(templates->message);
    template_free(templates->lifetime);
}

static enum error_code load_templates(const char *dir, struct templates *templates,
                                      struct error *err)
{
    enum error_code code = template_load(dir, "home.html", &templates->home, err);
    if (!code)
        code = template_load(dir, "message.html", &templates->message, err);
    return code ? code : template_load(dir, "lifetime.html", &templates->lifetime, err);
}

static enum error_code make_form(const struct template *template, json_t *context,
                                 const char *const names[], unsigned count,
                                 struct page_form **ret_form, struct error *err)
{
    enum error_code code = page_form_new(template, context, names, count, ret_form, err);
    json_decref(context);
    return code;
}

static enum error_code make_home(const struct template *template, struct forms *forms,
                                 unsigned switches, struct error *err)
{
    json_t *texts = forms->language.texts;
    json_t *context =
        json_pack("{s:O, s:O, s:O, s:b, s:b, s:b}", "language", json_object_get(texts, "language"),
                  "t", json_object_get(texts, "page"), "script_texts", forms->language.script,
                  "is_lobby", switches & SWITCH_LOBBY, "is_empty", switches & SWITCH_EMPTY,
                  "is_paused", switches & SWITCH_PAUSED);
    struct page_form **form = &forms->home[switches];
    enum error_code code = make_form(template, context, home_names, HOME_NAMES, form, err);
    if (!code && !page_form_behind(*form, HOME_MESSAGES))
        code = error_because(err, ERROR_INTERNAL, "home.html: {{messages}} is missing");
    return code;
}

static enum error_code make_forms(const struct templates *templates, struct forms *forms,
                                  struct error *err)
{
    json_t *texts = json_object_get(forms->language.texts, "page");
    enum error_code code = ERROR_NONE;
    for (unsigned i = 0; !code && i < SWITCHES; i++)
        code = make_home(templates->home, forms, i, err);
    if (!code)
        code = make_form(templates->message, json_pack("{s:O}", "t", texts), message_names,
                         MESSAGE_NAMES, &forms->message, err);
    return code
               ? code
               : page_lifetimes_init(&forms->lifetimes, templates->lifetime, &forms->language, err);
}

enum error_code page_load(const char *template_dir, struct page **ret_page, struct error *err)
{
    CLEANUP_FINI(templates_fini) struct templates templates = {0};
    struct page *page = calloc(1, sizeof *page);
    if (!page)
        return error_because(err, ERROR_INTERNAL, "out of memory");
    enum error_code code = load_templates(template_dir, &templates, err);
    for (unsigned i = 0; !code && i < PAGE_LANGUAGE_COUNT; i++) {
        code = page_language_load(template_dir, i, &page->forms[i].language, err);
        if (!code)
            code = make_forms(&templates, &page->forms[i], err);
    }
    if (code)
        page_free(page);
    else
        *ret_page = page;
    return code;
}

static void forms_fini(struct forms *forms)
{
    page_language_fini(&forms->language);
    for (unsigned i = 0; i < SWITCHES; i++)
        page_form_free(forms->home[i]);
    page_form_free(forms->message);
    page_lifetimes_fini(&forms->lifetimes);
}

void page_free(struct page *page)
{
    for (unsigned i = 0; page && i < PAGE_LANGUAGE_COUNT; i++)
        forms_fini(&page->forms[i]);
    free(page);
}

/* ---- the page around the messages ---- */

/* Only what a host and a port are made of: it is shown as part of commands to be copied. */
static const char *safe_host(const char *host)
{
    size_t len = host ? strnlen(host, HOST_MAX + 1) : 0;
    if (len == 0 || len > HOST_MAX)
        return host_default;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)host[i]) && !strchr(".-:[]", host[i]))
            return host_default;
    return host;
}

struct choices {
    const struct page_lifetimes *lifetimes;
    const struct message_limits *limits;
};

static void write_choices(const void *context, struct buffer *out)
{
    const struct choices *choices = context;
    page_lifetimes_write(choices->lifetimes, choices->limits, out);
}

static void write_home(const struct page *page, const struct page_view *view, bool is_head,
                       struct buffer *html)
{
    const struct forms *forms = &page->forms[view->language];
    const struct choices choices = {&forms->lifetimes, &view->limits};
    const struct page_form_value values[HOME_NAMES] = {
        [HOME_ROOM] = page_form_string(view->room),
        [HOME_HOST] = page_form_string(safe_host(view->host)),
        [HOME_TEXT_MAX] = page_form_number(view->limits.text_max),
        [HOME_LIFETIMES] = {PAGE_FORM_PART, .write = write_choices, .context = &choices},
    };
    unsigned switches = (view->paused ? SWITCH_PAUSED : 0) | (view->empty ? SWITCH_EMPTY : 0);
    if (strcmp(view->room, ROOM_NAME_DEFAULT) == 0)
        switches |= SWITCH_LOBBY;
    const struct page_form *form = forms->home[switches];
    size_t middle = page_form_behind(form, HOME_MESSAGES);
    page_form_write(form, is_head ? 0 : middle, is_head ? middle : SIZE_MAX, values, html);
}

void page_write_head(const struct page *page, const struct page_view *view, struct buffer *html)
{
    write_home(page, view, true, html);
}

void page_write_foot(const struct page *page, const struct page_view *view, struct buffer *html)
{
    write_home(page, view, false, html);
}

/* ---- the messages ---- */

void page_write_message(const struct page *page, const struct page_view *view,
                        const struct message *message, struct buffer *html)
{
    const struct forms *forms = &page->forms[view->language];
    char created_at[MESSAGE_TIME_SIZE];
    char sent_at[] = "00:00 UTC";
    uint64_t expires_in = message_expires_in_ms(message, view->now_us);
    message_time_format(message->created_at_ms, created_at);
    memcpy(sent_at, created_at + strlen("2026-11-22T"), strlen("00:00"));
    const struct page_form_value values[MESSAGE_NAMES] = {
        [MESSAGE_ID] = {.kind = PAGE_FORM_PLAIN, .text = message->id, .len = MESSAGE_ID_LEN},
        [MESSAGE_AUTHOR] = page_form_string(message->author ? message->author : ""),
        [MESSAGE_TEXT] = {.text = message->text, .len = message->text_len},
        [MESSAGE_CREATED_AT] = {.kind = PAGE_FORM_PLAIN,
                                .text = created_at,
                                .len = sizeof created_at - 1},
        [MESSAGE_SENT_AT] = {.kind = PAGE_FORM_PLAIN, .text = sent_at, .len = sizeof sent_at - 1},
        [MESSAGE_LEFT] = page_language_duration(&forms->language, expires_in),
        [MESSAGE_EXPIRES_IN] = page_form_number(expires_in),
        [MESSAGE_LIFETIME] =
            page_form_number((uint64_t)(message->expires_at_ms - message->created_at_ms)),
    };
    page_form_write(forms->message, 0, SIZE_MAX, values, html);
}

enum error_code page_write(const struct page *page, const struct page_view *view,
                           const struct message_array *messages, struct buffer *ret_html,
                           struct error *err)
{
    struct page_view whole = *view;
    whole.empty = true;
    for (size_t i = 0; i < messages->count && whole.empty; i++)
        whole.empty = message_expired(messages->messages[i], view->now_us);
    page_write_head(page, &whole, ret_html);
    for (size_t i = 0; i < messages->count && !ret_html->failed; i++)
        if (!message_expired(messages->messages[i], view->now_us))
            page_write_message(page, &whole, messages->messages[i], ret_html);
    page_write_foot(page, &whole, ret_html);
    if (ret_html->failed)
        return error_because(err, ERROR_INTERNAL, "the page: over %zu bytes, or out of memory",
                             ret_html->max);
    return ERROR_NONE;
}

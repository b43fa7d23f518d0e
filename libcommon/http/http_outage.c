#include "http_outage.h"

#include "log.h"

#include <stddef.h>

void http_outage_note(struct http_outage *outage, const char *message, const char *request_id,
                      enum error_code code, const struct error *err)
{
    if (!code || (!err->cause[0] && code != ERROR_INTERNAL))
        return;
    bool is_outage = code == ERROR_UNAVAILABLE || code == ERROR_TIMEOUT;
    bool worth_a_warning =
        is_outage ? !atomic_exchange(&outage->lasts, true) : error_status(code) >= 500;
    log_write(worth_a_warning ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG, message,
              LOG_TEXT("request_id", request_id), LOG_TEXT("error", error_type(code)),
              LOG_TEXT("cause", err->cause[0] ? err->cause : NULL));
}

void http_outage_over(struct http_outage *outage)
{
    if (atomic_exchange(&outage->lasts, false))
        log_write(LOG_LEVEL_INFO, "available again");
}

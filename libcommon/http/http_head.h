/*
 * The head of a request as it came, before anyone reads it: whether it is framed as RFC 9112 wants
 * it, and its header lines brought into one form.
 */
#ifndef TEMPMESSENGER_HTTP_HEAD_H
#define TEMPMESSENGER_HTTP_HEAD_H

struct MHD_Connection;

/* The parts of the request line, in the connection's own memory. */
struct http_head {
    const char *method;
    const char *target;      /* decoded and cut in place before the rest has come */
    const char *target_end;  /* its first NUL, as it came */
    const char *target_text; /* a copy, as it came */
    const char *version;
};

/* Why the request is refused, for the log; NULL where nothing is wrong. To be called when the head
 * has come, and before http_head_unify. */
const char *http_head_fault(struct MHD_Connection *connection, const struct http_head *head);

/* Makes names lower-case, so that lines of one name are one list in whatever case they came, and
 * takes the white space from the ends of values. */
void http_head_unify(struct MHD_Connection *connection);

#endif

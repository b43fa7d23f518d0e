/*
 * How much a template may be, and do; what is over is refused at the load, or ends the rendering.
 */
#ifndef TEMPMESSENGER_TEMPLATE_LIMITS_H
#define TEMPMESSENGER_TEMPLATE_LIMITS_H

enum {
    TEMPLATE_FILE_MAX = 128 * 1024,  /* bytes of one file */
    TEMPLATE_FILES_MAX = 32,         /* a template and all of its partials */
    TEMPLATE_NAME_MAX = 64,          /* bytes of a name in a tag, its dots counted */
    TEMPLATE_NESTING_MAX = 16,       /* sections within each other, in one file */
    TEMPLATE_PARTIAL_DEPTH_MAX = 16, /* partials within each other, while rendering */
    TEMPLATE_STEPS_MAX = 10000000    /* tags and lines that one rendering goes through */
};

#endif

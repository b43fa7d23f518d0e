/*
 * Compiles the source of a template file to its nodes.
 */
#ifndef TEMPMESSENGER_TEMPLATE_PARSER_H
#define TEMPMESSENGER_TEMPLATE_PARSER_H

#include "template_file.h"

/*
 * Compiles file number `number` of the list. The partials that it names and the list does not have
 * yet are read from `dir` and put at the list's end; compiling them is left to the caller.
 * INTERNAL, with the line, for what cannot be compiled or read; the nodes made before the fault
 * remain with the list.
 */
enum error_code template_parser_compile(struct template_file_list *list, unsigned number,
                                        const char *dir, struct error *err) ERROR_MUST_USE;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts that are made by printf's rules, as long as they need to be.
 */
#ifndef ANALYZER_UTIL_TEXT_H
#define ANALYZER_UTIL_TEXT_H

/* To be freed; NULL on lack of memory. */
char *text_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

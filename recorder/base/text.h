/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts of unknown origin: as JSON strings, and cut to a size. Both keep UTF-8 valid.
 */
#ifndef RECORDER_BASE_TEXT_H
#define RECORDER_BASE_TEXT_H

#include <jansson.h>
#include <stddef.h>

/*
 * A JSON string, or null for NULL. Where @text is not UTF-8, each of its bytes above 0x7f becomes
 * "?". Return: a new reference, or NULL (no memory).
 */
json_t *json_text(const char *text);

/* Copies as many whole characters as fit, and a final zero. @copy_bytes must not be 0. */
void text_cut(const char *text, char *ret_copy, size_t copy_bytes);

#endif

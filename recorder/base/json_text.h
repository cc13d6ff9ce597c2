/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts of unknown origin in JSON, which is UTF-8.
 */
#ifndef RECORDER_BASE_JSON_TEXT_H
#define RECORDER_BASE_JSON_TEXT_H

#include <jansson.h>
#include <stddef.h>

/* A string, or null for NULL. Where @text is no UTF-8, each of its bytes above 0x7f becomes "?".
 * Return: a new reference, or NULL (no memory). */
json_t *json_text(const char *text);

/* Copy the whole characters that fit; @copy_bytes > 0. */
void text_cut(const char *text, char *ret_copy, size_t copy_bytes);

#endif

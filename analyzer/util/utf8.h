/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The characters of text that may hold any bytes.
 */
#ifndef ANALYZER_UTIL_UTF8_H
#define ANALYZER_UTIL_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * utf8_decode() - the character at the start of a zero-terminated @text.
 *
 * Return: its bytes, 1 to 4; 0 where the first byte starts no valid character (also an overlong
 * form, a surrogate, a cut one) or @text is empty. *ret_character is then untouched.
 */
size_t utf8_decode(const char *text, uint32_t *ret_character);

/* It shows itself and does nothing else: no control, no invisible or direction-changing
 * character. */
bool utf8_visible(uint32_t character);

/* Columns that a visible character takes on a terminal: 0 (combining), 1 or 2 (wide). */
unsigned int utf8_columns(uint32_t character);

#endif

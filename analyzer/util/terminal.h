/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that may reach a terminal: names from captures hold any bytes, escape sequences included.
 */
#ifndef ANALYZER_UTIL_TERMINAL_H
#define ANALYZER_UTIL_TERMINAL_H

#include <stdio.h>

enum terminal_style {
	STYLE_PLAIN,
	STYLE_LABEL,
	STYLE_STRONG,
	STYLE_BAD,
	STYLE_GOOD,
	STYLE_WARNING,
	STYLES
};

/* The escape sequence that begins @style; static. "" for STYLE_PLAIN. */
const char *terminal_style(enum terminal_style style);
#define TERMINAL_STYLE_END "\033[0m"

/**
 * terminal_safe() - @raw as text that shows and does nothing else.
 *
 * Controls and bytes that are not UTF-8 become \x1b, invisible and direction-changing characters
 * become \u202e; the rest stays. @raw NULL: nothing.
 *
 * Return: malloc'ed text, NULL on lack of memory.
 */
char *terminal_safe(const char *raw);

/* Write a message of several lines the same way: its line breaks stay. */
void terminal_put_lines(FILE *out, const char *raw);

#endif

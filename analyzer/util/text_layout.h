/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain text of fixed width: labelled paragraphs with a hanging indent, and rows of cells.
 *
 * All text for people goes out here: only visible characters are written, and no line is longer
 * than the width.
 */
#ifndef ANALYZER_UTIL_TEXT_LAYOUT_H
#define ANALYZER_UTIL_TEXT_LAYOUT_H

#include <stdbool.h>
#include <stdio.h>

#include "analyzer/util/terminal.h"

struct text_layout {
	FILE *out; /* borrowed */
	unsigned int width; /* columns */
	bool color;
	unsigned int column; /* of the next character */
	unsigned int pending; /* spaces to write before the next text: no line ends in spaces */
	FILE *memory; /* collects the text of the paragraph */
	char *raw;
	size_t raw_bytes;
	int error; /* first failure: -ENOMEM */
};

void layout_start(struct text_layout *page, FILE *out, unsigned int width, bool color);

/* Columns of a paragraph's parts, and where its lines may be broken. */
struct paragraph {
	unsigned int indent; /* column of the label */
	unsigned int hang; /* column of the text, on every line of it */
	const char *label; /* NULL: none */
	enum terminal_style style; /* of the label */
	const char *separator; /* break lines only before it; NULL: at spaces */
};

/* Begin a paragraph, add text to it as with printf(), and write it. */
void layout_begin(struct text_layout *page);
void layout_add(struct text_layout *page, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void layout_end(struct text_layout *page, struct paragraph paragraph);

/* The three in one call. */
void layout_paragraph(struct text_layout *page, struct paragraph paragraph, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Write a cell of the row, @columns (at least 2) wide. Text that does not fit is cut and ends in
 * "..". One column stays free: the last, or the first where the text is aligned to the @right.
 */
void layout_cell(struct text_layout *page, unsigned int columns, bool right, const char *format,
		 ...)
	__attribute__((format(printf, 4, 5)));
void layout_style(struct text_layout *page, enum terminal_style style);
void layout_style_end(struct text_layout *page);

void layout_line_end(struct text_layout *page);

/* Return: 0, -ENOMEM, or -EIO where not everything could be written. */
int layout_finish(struct text_layout *page);

#endif

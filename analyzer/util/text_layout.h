/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page of plain text of fixed width: labelled paragraphs with a hanging
 * indent, and rows of cells.
 *
 * The one door to the output: whatever text comes in, only visible characters
 * go out, and no line is longer than the page is wide.
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
	unsigned int column; /* where the line is */
	unsigned int pending; /* spaces due before the next text; so that no line ends in spaces */
	FILE *memory; /* of the paragraph that was begun */
	char *raw;
	size_t raw_bytes;
	int error; /* first failure: -ENOMEM */
};

void layout_start(struct text_layout *page, FILE *out, unsigned int width, bool color);

/* Where a paragraph's parts stand, and how it may be broken. */
struct paragraph {
	unsigned int indent; /* column of the label */
	unsigned int hang; /* column of the text, on every line of it */
	const char *label; /* NULL: none */
	enum terminal_style style; /* of the label */
	const char *
		separator; /* break lines only before it, without its leading space; NULL: at spaces */
};

/* A paragraph's text is added piece by piece, as for printf(); its end writes it. */
void layout_begin(struct text_layout *page);
void layout_add(struct text_layout *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
void layout_end(struct text_layout *page, struct paragraph paragraph);

/* All three at once. */
void layout_paragraph(struct text_layout *page, struct paragraph paragraph, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * A cell of the row, @columns (at least 2) wide: what does not fit is cut and ends in "..".
 * A column stays free between it and its neighbour: its last, or its first where the text is
 * moved to the @right.
 */
void layout_cell(struct text_layout *page, unsigned int columns, bool right, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void layout_style(struct text_layout *page, enum terminal_style style);
void layout_style_end(struct text_layout *page);

void layout_line_end(struct text_layout *page);

/* Return: 0, -ENOMEM, or -EIO where the file took not everything. */
int layout_finish(struct text_layout *page);

#endif

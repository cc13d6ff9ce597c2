/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain text of fixed width.
 */
#include "analyzer/util/text_layout.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/util/utf8.h"

void layout_start(struct text_layout *page, FILE *out, unsigned int width, bool color)
{
	*page = (struct text_layout){ .out = out, .width = width, .color = color };
}

/* Count the columns of the first @bytes of safe text. */
static unsigned int count_columns(const char *text, size_t bytes)
{
	unsigned int columns = 0;

	for (size_t at = 0; at < bytes;) {
		uint32_t character = 0;
		size_t length = utf8_decode(text + at, &character);

		columns += utf8_columns(character);
		at += length ? length : 1;
	}
	return columns;
}

/* How many bytes of safe text fit into @columns. */
static size_t fit_bytes(const char *text, size_t bytes, unsigned int columns)
{
	size_t at = 0;

	while (at < bytes) {
		uint32_t character = 0;
		size_t length = utf8_decode(text + at, &character);

		if (utf8_columns(character) > columns)
			break;
		columns -= utf8_columns(character);
		at += length ? length : 1;
	}
	return at;
}

static void put_text(struct text_layout *page, const char *text, size_t bytes)
{
	if (bytes == 0)
		return;
	fprintf(page->out, "%*s", (int)page->pending, "");
	page->pending = 0;
	fwrite(text, 1, bytes, page->out);
	page->column += count_columns(text, bytes);
}

static void skip_to(struct text_layout *page, unsigned int column)
{
	if (page->column < column) {
		page->pending += column - page->column;
		page->column = column;
	}
}

void layout_line_end(struct text_layout *page)
{
	fputc('\n', page->out);
	page->column = 0;
	page->pending = 0;
}

/* Pending spaces come before the escape sequence, so that no style covers them. */
void layout_style(struct text_layout *page, enum terminal_style style)
{
	if (!page->color)
		return;
	fprintf(page->out, "%*s%s", (int)page->pending, "", terminal_style(style));
	page->pending = 0;
}

void layout_style_end(struct text_layout *page)
{
	if (page->color)
		fputs(TERMINAL_STYLE_END, page->out);
}

/* Whether @word is a unit: "9.41 s" and "71 %" stay on one line. */
static bool is_unit(const char *word)
{
	static const char *const units[] = { "s", "ms",	 "us",	"ns",  "min", "h",
					     "%", "KiB", "MiB", "GiB", "TiB", "bytes" };
	size_t bytes = strcspn(word, " ,;:.)");

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strlen(units[i]) == bytes && strncmp(word, units[i], bytes) == 0)
			return true;
	return false;
}

/* The next place behind the start of @text where a line may be broken: a @separator or the end. */
static const char *find_break(const char *text, const char *separator)
{
	const char *at = text + 1;

	while ((at = strstr(at, separator))) {
		if (strcmp(separator, " ") != 0 || !is_unit(at + 1))
			return at;
		at++;
	}
	return text + strlen(text);
}

/* Fill lines with safe text, from column @hang on. */
static void fill_lines(struct text_layout *page, unsigned int hang, const char *text,
		       const char *separator)
{
	skip_to(page, hang);
	while (*text) {
		size_t bytes = (size_t)(find_break(text, separator) - text);

		if (page->column > hang &&
		    page->column + count_columns(text, bytes) > page->width) {
			layout_line_end(page);
			skip_to(page, hang);
		}
		if (page->column == hang && *text == ' ') { /* No space begins a line. */
			text++;
			continue;
		}
		/* A word longer than a line is cut anywhere. */
		if (page->column + count_columns(text, bytes) > page->width) {
			bytes = fit_bytes(text, bytes, page->width - page->column);
			if (bytes == 0)
				return;
		}
		put_text(page, text, bytes);
		text += bytes;
	}
	layout_line_end(page);
}

void layout_begin(struct text_layout *page)
{
	page->raw = NULL;
	page->memory = open_memstream(&page->raw, &page->raw_bytes);
	if (!page->memory)
		page->error = -ENOMEM;
}

static void add_text(struct text_layout *page, const char *format, va_list arguments)
{
	if (page->memory && vfprintf(page->memory, format, arguments) < 0)
		page->error = -ENOMEM;
}

void layout_add(struct text_layout *page, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add_text(page, format, arguments);
	va_end(arguments);
}

/* Take the text that was added, made safe; the caller frees it. NULL on lack of memory. */
static char *take_text(struct text_layout *page)
{
	char *safe = NULL;

	if (page->memory && fclose(page->memory) == 0)
		safe = terminal_safe(page->raw);
	if (!safe)
		page->error = -ENOMEM;
	page->memory = NULL;
	free(page->raw);
	page->raw = NULL;
	return safe;
}

void layout_end(struct text_layout *page, struct paragraph paragraph)
{
	char *text = take_text(page);

	if (!text)
		return;
	if (paragraph.label) {
		skip_to(page, paragraph.indent);
		layout_style(page, paragraph.style);
		put_text(page, paragraph.label, strlen(paragraph.label));
		layout_style_end(page);
	}
	fill_lines(page, paragraph.hang, text, paragraph.separator ? paragraph.separator : " ");
	free(text);
}

void layout_paragraph(struct text_layout *page, struct paragraph paragraph, const char *format, ...)
{
	va_list arguments;

	layout_begin(page);
	va_start(arguments, format);
	add_text(page, format, arguments);
	va_end(arguments);
	layout_end(page, paragraph);
}

static void put_cell(struct text_layout *page, unsigned int columns, bool right, const char *text)
{
	const unsigned int end = page->column + columns, room = columns - 1;
	const bool fits = count_columns(text, strlen(text)) <= room;
	const size_t kept =
		fits ? strlen(text) : fit_bytes(text, strlen(text), room > 2 ? room - 2 : 0);

	if (right)
		skip_to(page, end - count_columns(text, kept) - (fits ? 0 : 2));
	put_text(page, text, kept);
	if (!fits)
		put_text(page, "..", 2);
	skip_to(page, end);
}

void layout_cell(struct text_layout *page, unsigned int columns, bool right, const char *format,
		 ...)
{
	va_list arguments;
	char *text;

	layout_begin(page);
	va_start(arguments, format);
	add_text(page, format, arguments);
	va_end(arguments);
	text = take_text(page);
	if (text)
		put_cell(page, columns, right, text);
	free(text);
}

int layout_finish(struct text_layout *page)
{
	if (fflush(page->out) || ferror(page->out))
		return -EIO;
	return page->error;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/base/message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TEXT_BYTES 3072 /* formatted text; a longer one is cut */
#define LINE_BYTES (4 * TEXT_BYTES + 32) /* each byte may become \xNN */

#define CLEAR_LINE "\r\033[K"

static atomic_bool progress_drawn;

struct line {
	size_t bytes;
	char text[LINE_BYTES];
};

static void append_text(struct line *line, const char *text, size_t bytes)
{
	memcpy(line->text + line->bytes, text, bytes);
	line->bytes += bytes;
}

/* Return: length of the printable UTF-8 character at @text, 0 for a control or damaged one. */
static size_t printable_bytes(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;

	if (c[0] < 0x80)
		return c[0] >= 0x20 && c[0] != 0x7f;

	size_t bytes = c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : 2;
	static const uint32_t least[] = { [2] = 0xa0, [3] = 0x800, [4] = 0x10000 };
	uint32_t code = c[0] & (0xff >> (bytes + 1));

	if (c[0] < 0xc2 || c[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < bytes; i++) {
		if ((c[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (c[i] & 0x3f);
	}
	/* Codes below 0xa0 are the C1 controls; surrogates are no characters. */
	if (code < least[bytes] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return bytes;
}

/*
 * Appends @text with its control characters and damaged bytes as \xNN. @other is the same text
 * formatted with another byte in place of each newline of the format: a newline is ours only where
 * the two differ.
 */
static void append_safe_text(struct line *line, const char *text, const char *other)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; text[i];) {
		size_t bytes = printable_bytes(text + i);

		if (text[i] != other[i]) {
			append_text(line, "\n", 1);
			i++;
		} else if (bytes > 0) {
			append_text(line, text + i, bytes);
			i += bytes;
		} else {
			unsigned char c = (unsigned char)text[i++];

			append_text(line, (char[]){ '\\', 'x', digits[c >> 4], digits[c & 15] }, 4);
		}
	}
}

/* Formats with @newline in place of each newline of @format. */
__attribute__((format(printf, 2, 0))) static void format_marked(char *ret_text, const char *format,
								va_list arguments, char newline)
{
	char marked[TEXT_BYTES];
	size_t bytes = strnlen(format, sizeof(marked) - 1);

	for (size_t i = 0; i < bytes; i++)
		marked[i] = format[i] == '\n' ? newline : format[i];
	marked[bytes] = '\0';

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	if (vsnprintf(ret_text, TEXT_BYTES, marked, arguments) < 0)
		ret_text[0] = '\0';
#pragma GCC diagnostic pop
}

__attribute__((format(printf, 2, 0))) static void
append_formatted(struct line *line, const char *format, va_list arguments)
{
	char text[TEXT_BYTES], other[TEXT_BYTES];
	int saved_errno = errno; /* for %m, both times */
	va_list again;

	va_copy(again, arguments);
	format_marked(text, format, arguments, 1);
	errno = saved_errno;
	format_marked(other, format, again, 2);
	errno = saved_errno;
	va_end(again);
	append_safe_text(line, text, other);
}

/* Writes once, so that messages of threads do not mix. A failure cannot be told to anybody. */
static void write_line(const struct line *line)
{
	int saved_errno = errno;

	while (write(STDERR_FILENO, line->text, line->bytes) < 0 && errno == EINTR)
		;
	errno = saved_errno;
}

/* Writes @prefix and the text as a line of their own. */
__attribute__((format(printf, 2, 0))) static void
write_message(const char *prefix, const char *format, va_list arguments)
{
	struct line line = { .bytes = 0 };

	if (atomic_exchange(&progress_drawn, false))
		append_text(&line, CLEAR_LINE, strlen(CLEAR_LINE));
	append_text(&line, prefix, strlen(prefix));
	append_formatted(&line, format, arguments);
	if (line.text[line.bytes - 1] != '\n')
		append_text(&line, "\n", 1);
	write_line(&line);
}

void message_error(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_message("recorder: ", format, arguments);
	va_end(arguments);
}

void message_event(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_message("recorder: ", format, arguments);
	va_end(arguments);
}

void message_recording(const char *format, ...)
{
	va_list arguments;

	if (isatty(STDERR_FILENO))
		return;
	va_start(arguments, format);
	write_message("recording ", format, arguments);
	va_end(arguments);
}

void message_progress(const char *format, ...)
{
	struct line line = { .bytes = 0 };
	va_list arguments;

	if (!isatty(STDERR_FILENO))
		return;
	append_text(&line, CLEAR_LINE, strlen(CLEAR_LINE));
	va_start(arguments, format);
	append_formatted(&line, format, arguments);
	va_end(arguments);
	atomic_store(&progress_drawn, true);
	write_line(&line);
}

void message_progress_end(void)
{
	struct line line = { .bytes = 0 };

	if (!atomic_exchange(&progress_drawn, false))
		return;
	append_text(&line, CLEAR_LINE, strlen(CLEAR_LINE));
	write_line(&line);
}

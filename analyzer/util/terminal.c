/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that may reach a terminal.
 */
#include "analyzer/util/terminal.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include "analyzer/util/utf8.h"

const char *terminal_style(enum terminal_style style)
{
	static const char *const begin[STYLES] = {
		[STYLE_PLAIN] = "",	     [STYLE_LABEL] = "\033[2m",
		[STYLE_STRONG] = "\033[1m",  [STYLE_BAD] = "\033[1;31m",
		[STYLE_GOOD] = "\033[1;32m", [STYLE_WARNING] = "\033[33m",
	};

	return begin[style];
}

static void put_safe(FILE *out, const char *raw, bool keep_lines)
{
	while (raw && *raw) {
		uint32_t character = (unsigned char)*raw;
		size_t bytes = utf8_decode(raw, &character);

		if (bytes && (utf8_visible(character) || (keep_lines && character == '\n')))
			fwrite(raw, 1, bytes, out);
		else if (character < 0x100)
			fprintf(out, "\\x%02" PRIx32, character);
		else
			fprintf(out, "\\u%04" PRIx32, character);
		raw += bytes ? bytes : 1;
	}
}

void terminal_put_lines(FILE *out, const char *raw)
{
	put_safe(out, raw, true);
}

char *terminal_safe(const char *raw)
{
	char *text = NULL;
	size_t text_bytes = 0;
	FILE *memory = open_memstream(&text, &text_bytes);

	if (!memory)
		return NULL;
	put_safe(memory, raw, false);
	if (fclose(memory)) {
		free(text);
		return NULL;
	}
	return text;
}

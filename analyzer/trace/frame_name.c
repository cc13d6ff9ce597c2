/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One frame of a stack as text.
 */
#include "config.h"

#include "analyzer/trace/frame_name.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static char *make_text(const char *template, ...) __attribute__((format(printf, 1, 2)));

static char *make_text(const char *template, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, template);
	if (vasprintf(&text, template, arguments) < 0)
		text = NULL;
	va_end(arguments);
	return text;
}

char *frame_name_exact(const struct frame *frame)
{
	if (frame->symbol && frame->module)
		return make_text("%s (%s)", frame->symbol, frame->module);
	if (frame->symbol)
		return make_text("%s+0x%" PRIx64, frame->symbol, frame->offset_bytes);
	if (frame->module)
		return make_text("0x%" PRIx64 " (%s+0x%" PRIx64 ")", frame->address, frame->module,
				 frame->offset_bytes);
	return make_text("0x%" PRIx64, frame->address);
}

char *frame_name_of(const struct frame *frame)
{
	if (frame->symbol)
		return make_text("%s", frame->symbol);
	if (frame->module)
		return make_text("%s+0x%" PRIx64, frame->module, frame->offset_bytes);
	return make_text("0x%" PRIx64, frame->address);
}

char *frame_name_brief(const struct frame *frame)
{
	if (frame->symbol && frame->file)
		return make_text("%s (%s:%" PRIu32 ")", frame->symbol, frame->file, frame->line);
	return frame_name_of(frame);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "analyzer/trace/frame_name.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static char *format(const char *template, ...) __attribute__((format(printf, 1, 2)));

static char *format(const char *template, ...)
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
		return format("%s (%s)", frame->symbol, frame->module);
	if (frame->symbol)
		return format("%s+0x%" PRIx64, frame->symbol, frame->offset_bytes);
	if (frame->module)
		return format("0x%" PRIx64 " (%s+0x%" PRIx64 ")", frame->address, frame->module,
			      frame->offset_bytes);
	return format("0x%" PRIx64, frame->address);
}

char *frame_name_of(const struct frame *frame)
{
	if (frame->symbol)
		return format("%s", frame->symbol);
	if (frame->module)
		return format("%s+0x%" PRIx64, frame->module, frame->offset_bytes);
	return format("0x%" PRIx64, frame->address);
}

char *frame_name_brief(const struct frame *frame)
{
	if (frame->symbol && frame->file)
		return format("%s (%s:%" PRIu32 ")", frame->symbol, frame->file, frame->line);
	return frame_name_of(frame);
}

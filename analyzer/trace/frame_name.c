/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One frame of a stack as text.
 */
#include "config.h"

#include "analyzer/trace/frame_name.h"

#include <inttypes.h>
#include <stddef.h>

#include "analyzer/util/text.h"

char *frame_name_exact(const struct frame *frame)
{
	if (frame->symbol && frame->module)
		return text_printf("%s (%s)", frame->symbol, frame->module);
	if (frame->symbol)
		return text_printf("%s+0x%" PRIx64, frame->symbol, frame->offset_bytes);
	if (frame->module)
		return text_printf("0x%" PRIx64 " (%s+0x%" PRIx64 ")", frame->address, frame->module,
				 frame->offset_bytes);
	return text_printf("0x%" PRIx64, frame->address);
}

char *frame_name_of(const struct frame *frame)
{
	if (frame->symbol)
		return text_printf("%s", frame->symbol);
	if (frame->module)
		return text_printf("%s+0x%" PRIx64, frame->module, frame->offset_bytes);
	return text_printf("0x%" PRIx64, frame->address);
}

char *frame_name_brief(const struct frame *frame)
{
	if (frame->symbol && frame->file)
		return text_printf("%s (%s:%" PRIu32 ")", frame->symbol, frame->file, frame->line);
	return frame_name_of(frame);
}

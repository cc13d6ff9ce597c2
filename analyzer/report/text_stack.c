/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stack as a paragraph: leaf first, without the frames that every sleeping thread has.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/trace/frame_name.h"
#include "analyzer/report/report_private.h"

#define LEAF_FRAMES	 6
#define OUTER_FRAMES	 5
#define WHOLE_FRAMES	 (LEAF_FRAMES + OUTER_FRAMES + 1) /* "1 more" is no shorter than a frame */
#define SYMBOL_BYTES_MAX 56

/* Every stack of a waiting thread has these frames, and none says why it waits. */
static bool is_plumbing(const struct frame *frame)
{
	static const char *const names[] = {
		"__schedule",
		"schedule",
		"schedule_timeout",
		"schedule_preempt_disabled",
		"io_schedule",
		"io_schedule_timeout",
		"schedule_hrtimeout_range",
		"schedule_hrtimeout_range_clock",
		"schedule_rtlock",
		"rt_mutex_schedule",
		"bit_wait",
		"bit_wait_io",
		"__wait_on_bit",
		"out_of_line_wait_on_bit",
		"wait_woken",
		"do_syscall_64",
		"x64_sys_call",
		"el0_svc_common",
		"entry_SYSCALL_64_after_hwframe",
		"entry_SYSCALL_64",
		"ret_from_fork",
		"ret_from_fork_asm",
	};

	if (!frame->kernel || !frame->symbol)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(frame->symbol, names[i]) == 0)
			return true;
	return false;
}

static size_t count_telling(const struct model_stack *stack)
{
	size_t telling = 0;

	for (size_t i = 0; i < stack->count; i++)
		telling += !is_plumbing(&stack->frames[i]);
	return telling;
}

/* A demangled name can fill a page, so only its beginning is put. */
static void add_frame(struct text_layout *page, const char *before, const struct frame *frame)
{
	char *text = frame_name_brief(frame);

	if (!text)
		page->error = -ENOMEM;
	else if (strlen(text) > SYMBOL_BYTES_MAX)
		layout_add(page, "%s%.*s..", before, SYMBOL_BYTES_MAX - 2, text);
	else
		layout_add(page, "%s%s", before, text);
	free(text);
}

void text_stack(struct text_layout *page, struct paragraph paragraph,
		const struct model_stack *stack)
{
	size_t telling = count_telling(stack), seen = 0;
	const bool all_plumbing = telling == 0;
	size_t first_outer;
	const char *before = "";

	if (stack->count == 0)
		return;
	if (all_plumbing) /* these frames are better than none */
		telling = stack->count;
	first_outer = telling > WHOLE_FRAMES ? telling - OUTER_FRAMES : LEAF_FRAMES;

	layout_begin(page);
	for (size_t i = 0; i < stack->count; i++) {
		if (!all_plumbing && is_plumbing(&stack->frames[i]))
			continue;
		if (seen < LEAF_FRAMES || seen >= first_outer)
			add_frame(page, before, &stack->frames[i]);
		else if (seen == LEAF_FRAMES)
			layout_add(page, " < ... %zu more ...", first_outer - LEAF_FRAMES);
		before = " < ";
		seen++;
	}
	layout_end(page, paragraph);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events of a thread in a span of time, for a person: one a line, each stack once.
 */
#include <inttypes.h>

#include "analyzer/explain/explain.h"
#include "analyzer/report/report_private.h"

#define EVENT_COLUMNS 22

struct human text_seconds(uint64_t at_ns)
{
	struct human human;

	snprintf(human.text, sizeof(human.text), "+%" PRIu64 ".%06" PRIu64, at_ns / 1000000000,
		 at_ns / 1000 % 1000000);
	return human;
}

static const char *state_text(enum ft_task_state state)
{
	static const char *const texts[FT_STATES] = {
		[FT_STATE_RUNNING] = "still ready to run",
		[FT_STATE_PREEMPTED] = "preempted, still ready to run",
		[FT_STATE_SLEEPING] = "to sleep (S)",
		[FT_STATE_DISK] = "to sleep uninterruptibly (D)",
		[FT_STATE_STOPPED] = "stopped (T)",
		[FT_STATE_TRACED] = "stopped by a debugger (t)",
		[FT_STATE_DEAD] = "for good",
		[FT_STATE_PARKED] = "parked (P)",
		[FT_STATE_IDLE] = "to sleep idle (I)",
		[FT_STATE_OTHER] = "to sleep",
	};

	return texts[state];
}

static bool is_blocking(enum ft_task_state state)
{
	return state != FT_STATE_RUNNING && state != FT_STATE_PREEMPTED && state != FT_STATE_DEAD;
}

static const char *mode_text(enum lock_mode mode)
{
	return mode == LOCK_MODE_READ	 ? ", for reading"
	       : mode == LOCK_MODE_WRITE ? ", for writing"
					 : "";
}

static void add_event(struct text_layout *page, const struct explain_event *event)
{
	switch (event->kind) {
	case EXCERPT_GETS_CPU:
		layout_add(page, "gets the CPU");
		break;
	case EXCERPT_LEAVES_CPU:
		layout_add(page, "leaves the CPU, %s", state_text(event->state));
		if (is_blocking(event->state))
			layout_add(page, ", in %s", wait_class_name(event->class));
		break;
	case EXCERPT_WOKEN:
		if (event->in_interrupt || event->other->idle_task)
			layout_add(page,
				   "is woken by an interrupt, while %" PRId32 " (%s) had the CPU",
				   event->other->tid, event->other->comm);
		else
			layout_add(page, "is woken by %" PRId32 " (%s)", event->other->tid,
				   event->other->comm);
		break;
	case EXCERPT_WAKES:
		layout_add(page, "wakes %" PRId32 " (%s)", event->other->tid, event->other->comm);
		break;
	case EXCERPT_LOCK_BEGIN:
		layout_add(page, "begins to wait for the lock at 0x%" PRIx64 "%s", event->address,
			   mode_text(event->mode));
		break;
	case EXCERPT_LOCK_ACQUIRED:
		layout_add(page, "has the lock at 0x%" PRIx64 "%s", event->address,
			   mode_text(event->mode));
		break;
	case EXCERPT_LOCK_RELEASED:
		layout_add(page, "lets the lock at 0x%" PRIx64 " go", event->address);
		break;
	case EXCERPT_CALL:
		if (event->address)
			layout_add(page, "enters %s, to %s at 0x%" PRIx64, event->call,
				   event->wakes ? "wake" : "wait", event->address);
		else
			layout_add(page, "enters %s, %s", event->call,
				   human_bytes(event->bytes).text);
		break;
	case EXCERPT_SAMPLE:
		layout_add(page, "is seen running by a CPU sample");
		break;
	case EXCERPT_HAS_RUN:
		layout_add(page, "has the CPU by now; its coming there was not recorded");
		break;
	case EXCERPT_SNAPSHOT:
		layout_add(page, "is looked at by the recorder: %s",
			   is_blocking(event->state) ? "asleep" : "not asleep");
		break;
	}
}

static void put_event(struct text_layout *page, unsigned int indent,
		      const struct explain_event *event, bool with_stack)
{
	struct paragraph paragraph = { .indent = indent, .hang = indent + EVENT_COLUMNS };
	char label[96];

	if (event->cpu == FT_NO_CPU)
		snprintf(label, sizeof(label), "%s", text_seconds(event->at_ns).text);
	else
		snprintf(label, sizeof(label), "%s  cpu %" PRIu32, text_seconds(event->at_ns).text,
			 event->cpu);
	paragraph.label = label;
	layout_begin(page);
	add_event(page, event);
	layout_end(page, paragraph);
	if (with_stack)
		text_stack(page, (struct paragraph){ .hang = paragraph.hang, .separator = " < " },
			   &event->stack);
}

/* A stack is printed once, because a thread that is woken often sleeps again where it was. */
static bool is_new_stack(const struct explain_excerpt *trail, size_t at)
{
	if (!trail->events[at].stack.count)
		return false;
	for (size_t i = 0; i < at; i++)
		if (trail->events[i].stack.frames == trail->events[at].stack.frames)
			return false;
	return true;
}

void text_excerpt(struct text_layout *page, unsigned int indent, const struct explain_excerpt *trail,
		  bool with_stacks)
{
	for (size_t i = 0; i < trail->count; i++) {
		if (i == trail->gap && trail->left_out)
			layout_paragraph(page,
					 (struct paragraph){ .indent = indent, .hang = indent },
					 "... %s more events of it ...",
					 human_count(trail->left_out).text);
		put_event(page, indent, &trail->events[i], with_stacks && is_new_stack(trail, i));
	}
}

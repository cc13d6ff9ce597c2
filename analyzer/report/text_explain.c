/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chain of events behind one wait, for a person: the wait, its events, the
 * thread behind it, and indented under that the same for what that thread waited for.
 */
#include <inttypes.h>
#include <string.h>

#include "analyzer/explain/explain.h"
#include "analyzer/report/report_private.h"

#define STEP 2 /* columns of indent a level */

struct explain_context {
	struct text_layout page;
	const struct model *model;
	const struct explanation *explanation;
};

static struct paragraph paragraph_at(unsigned int indent)
{
	return (struct paragraph){ .indent = indent, .hang = indent };
}

static void put_stack(struct explain_context *context, unsigned int column,
		      const struct model_stack *stack)
{
	text_stack(&context->page, (struct paragraph){ .hang = column, .separator = " < " }, stack);
}

/* Add class, detail and operation of the wait. */
static void add_reason(struct text_layout *page, const struct explain_wait *wait)
{
	const char *before = " (";

	layout_add(page, " in %s", wait_class_name(wait->class));
	if (wait->detail)
		layout_add(page, "%s%s", before, wait->detail);
	if (wait->detail)
		before = ", ";
	if (*wait->operation)
		layout_add(page, "%s%s", before, wait->operation);
	if (wait->detail || *wait->operation)
		layout_add(page, ")");
}

static void put_wait_title(struct explain_context *context, unsigned int indent,
			   const struct explain_wait *wait)
{
	const struct explain_actor *within =
		wait->actor == EXPLAIN_NONE ? NULL : &context->explanation->actors[wait->actor];
	struct text_layout *page = &context->page;

	layout_begin(page);
	layout_add(page, "%" PRId32 " (%s) %s %s%s", wait->thread->tid, wait->thread->comm,
		   wait->for_cpu ? "was ready to run and had no CPU for" : "was blocked for",
		   wait->began_before || wait->still_open ? "at least " : "",
		   human_duration(wait->waited_ns).text);
	if (!wait->for_cpu || wait->class != WAIT_CPU_RUNQUEUE)
		add_reason(page, wait);
	layout_add(page, ": %s to %s s", text_seconds(wait->start_ns).text,
		   text_seconds(wait->end_ns).text);
	if (wait->begin_inferred)
		layout_add(page, " (no event tells since when: no later than that)");
	if (wait->end_inferred)
		layout_add(page, " (no event tells its end: it is inferred)");
	if (wait->sleeps > 1)
		layout_add(page, ", in %" PRIu32 " sleeps", wait->sleeps);
	if (within && wait->within_ns != wait->waited_ns)
		layout_add(page, "; %s of it in these %s", human_duration(wait->within_ns).text,
			   human_duration(within->end_ns - within->start_ns).text);
	layout_end(page, paragraph_at(indent));
}

static void put_lock(struct explain_context *context, unsigned int indent,
		     const struct explain_wait *wait)
{
	struct text_layout *page = &context->page;

	if (!wait->is_lock || wait->class == WAIT_LOCK_FUTEX)
		return;
	layout_begin(page);
	layout_add(page, "The lock: ");
	if (wait->class == WAIT_LOCK_MMAP)
		layout_add(page, "mmap_lock of process %" PRId32 "%s", wait->lock_tgid,
			   wait->lock_address ? ", " : "");
	if (wait->lock_address)
		layout_add(page, "at 0x%" PRIx64, wait->lock_address);
	else if (wait->class != WAIT_LOCK_MMAP)
		layout_add(page,
			   "its address is not known, and with it not which one of the process' %s",
			   wait_class_name(wait->class));
	layout_add(page, ".");
	layout_end(page, paragraph_at(indent));
}

static void put_object(struct explain_context *context, unsigned int indent,
		       const struct explain_wait *wait)
{
	if (!*wait->object.text)
		return;
	layout_paragraph(&context->page, paragraph_at(indent), "It waits at %s%s%s.", wait->object.text,
			 *wait->peers.text ? "; " : "", wait->peers.text);
}

static void put_piece(struct explain_context *context, unsigned int indent,
		      const struct explain_piece *piece, enum wait_class class)
{
	const struct human length = human_duration(piece->end_ns - piece->start_ns);

	if (class == WAIT_LOCK_FUTEX) {
		/* It may be no lock, so nobody is said to hold it. */
		if (piece->owner)
			layout_paragraph(&context->page, paragraph_at(indent),
					 "%s of it until %" PRId32
					 " (%s) woke one who waited on a futex, at %s s",
					 length.text, piece->owner->tid, piece->owner->comm,
					 text_seconds(piece->end_ns).text);
	} else if (piece->owner)
		layout_paragraph(&context->page, paragraph_at(indent),
				 "%s of it held by %" PRId32 " (%s), %s to %s s; grade: %s",
				 length.text, piece->owner->tid, piece->owner->comm,
				 text_seconds(piece->start_ns).text,
				 text_seconds(piece->end_ns).text, grade_name(piece->grade));
	else
		layout_paragraph(&context->page, paragraph_at(indent),
				 "%s of it held by nobody that the events tell of; grade: %s",
				 length.text, grade_name(piece->grade));
}

static void put_pieces(struct explain_context *context, unsigned int indent,
		       const struct explain_wait *wait)
{
	for (size_t i = 0; i < wait->piece_count; i++)
		put_piece(context, indent, &wait->pieces[i], wait->class);
	if (wait->left_out)
		layout_paragraph(&context->page, paragraph_at(indent),
				 "%s of it in %s more, shorter pieces",
				 human_duration(wait->left_out_ns).text,
				 human_count(wait->left_out).text);
}

static void put_lost(struct explain_context *context, unsigned int indent,
		     const struct explain_wait *wait)
{
	struct paragraph paragraph = paragraph_at(indent);

	if (!wait->gaps)
		return;
	paragraph.label = "lost:";
	paragraph.style = STYLE_WARNING;
	paragraph.hang = indent + 6;
	layout_paragraph(
		&context->page, paragraph,
		"%s events in this time, in %" PRIu32 " gap%s (see coverage in the report);"
		" what is said of it may be wrong",
		wait->lost_events ? human_count(wait->lost_events).text : "an unknown number of",
		wait->gaps, wait->gaps == 1 ? "" : "s");
}

static const char *root_text(enum explain_root root)
{
	static const char *const texts[EXPLAIN_ROOTS] = {
		[EXPLAIN_RUNNING] = "it was running: what it ran is the cause",
		[EXPLAIN_CPU] = "it wanted a CPU and had none",
		[EXPLAIN_TIMER] = "a timer ended the wait: it lasted as long as was asked for",
		[EXPLAIN_DEVICE] = "a device ended the wait: it was as slow as that",
		[EXPLAIN_NETWORK] = "the network ended the wait: somebody else was awaited",
		[EXPLAIN_INTERRUPT] =
			"an interrupt ended the wait; of what, its stack does not tell",
		[EXPLAIN_STILL_OPEN] = "nobody had ended the wait when the recording ended",
		[EXPLAIN_NOT_SEEN] = "who ended the wait is not in the capture",
		[EXPLAIN_SLEPT] = "it mostly waited, each time for too short to follow",
		[EXPLAIN_LOST] = "what happened in most of this time is not in the capture",
		[EXPLAIN_LIMIT] = "followed no further",
	};

	return texts[root];
}

static void put_root(struct explain_context *context, unsigned int indent, enum explain_root root)
{
	struct paragraph paragraph = paragraph_at(indent);

	if (!root_text(root))
		return;
	paragraph.label = "root:";
	paragraph.style = STYLE_STRONG;
	paragraph.hang = indent + 6;
	layout_paragraph(&context->page, paragraph, "%s", root_text(root));
}

static void put_samples(struct explain_context *context, unsigned int indent,
			const struct explain_actor *actor)
{
	const struct cpu_profile *profile = &actor->profile;
	struct text_layout *page = &context->page;

	if (!profile->samples)
		return;
	layout_begin(page);
	layout_add(page, "%" PRIu32 " CPU sample%s of it, %" PRIu32 " in the kernel; in",
		   profile->samples, profile->samples == 1 ? "" : "s", profile->kernel_samples);
	for (size_t i = 0; i < profile->top_count; i++)
		layout_add(page, "%s %s %" PRIu32, i ? "," : "", profile->top[i].name,
			   profile->top[i].samples);
	layout_add(page, "; most often:");
	layout_end(page, paragraph_at(indent));
	put_stack(context, indent + STEP, &actor->stack);
}

static void put_occupant(struct explain_context *context, unsigned int indent,
			 const struct explain_actor *actor)
{
	layout_paragraph(&context->page, paragraph_at(indent),
			 "%" PRId32 " (%s) had the CPU for %s of it, %" PRIu32 " time%s; grade: %s",
			 actor->thread->tid, actor->thread->comm,
			 human_duration(actor->state_ns[THREAD_RUNNING]).text, actor->intervals,
			 actor->intervals == 1 ? "" : "s", grade_name(actor->grade));
}

static void put_actor_title(struct explain_context *context, unsigned int indent,
			    const struct explain_actor *actor)
{
	struct text_layout *page = &context->page;
	struct paragraph paragraph = paragraph_at(indent);

	paragraph.label = actor->role == EXPLAIN_HOLDER ? "held up by" : "ended by";
	paragraph.style = STYLE_LABEL;
	paragraph.hang = indent + 12;
	layout_begin(page);
	layout_add(page, "%" PRId32 " (%s), %s to %s s; grade: %s", actor->thread->tid,
		   actor->thread->comm, text_seconds(actor->start_ns).text,
		   text_seconds(actor->end_ns).text, grade_name(actor->grade));
	layout_end(page, paragraph);
}

static void put_actor_states(struct explain_context *context, unsigned int indent,
			     const struct explain_actor *actor)
{
	struct text_layout *page = &context->page;

	layout_begin(page);
	layout_add(page, "In these %s it was running %s, runnable %s, blocked %s",
		   human_duration(actor->end_ns - actor->start_ns).text,
		   human_duration(actor->state_ns[THREAD_RUNNING]).text,
		   human_duration(actor->state_ns[THREAD_RUNNABLE]).text,
		   human_duration(actor->state_ns[THREAD_BLOCKED]).text);
	if (actor->state_ns[THREAD_UNKNOWN])
		layout_add(page, ", unknown %s",
			   human_duration(actor->state_ns[THREAD_UNKNOWN]).text);
	layout_add(page, ", in %" PRIu32 " piece%s.", actor->intervals,
		   actor->intervals == 1 ? "" : "s");
	layout_end(page, paragraph_at(indent));
}

static void put_wait(struct explain_context *context, unsigned int indent, size_t at);
static void put_cause(struct explain_context *context, unsigned int indent, size_t at);

/* The actor only queued for the same lock. What matters is who passed the lock on to it. */
static void put_hop(struct explain_context *context, unsigned int indent, size_t at)
{
	const struct explain_wait *wait = &context->explanation->waits[at];

	layout_paragraph(&context->page, paragraph_at(indent + STEP),
			 "It had itself queued in %s from %s s on, and passed it on:",
			 wait_class_name(wait->class), text_seconds(wait->start_ns).text);
	text_excerpt(&context->page, indent + STEP, &wait->excerpt, false);
	put_lost(context, indent + STEP, wait);
	put_cause(context, indent, at);
}

/* Find the wait in which @actor only queued for the same lock. EXPLAIN_NONE: there is none. */
static size_t find_hop(const struct explanation *explanation, size_t actor)
{
	for (size_t i = 0; i < explanation->wait_count; i++)
		if (explanation->waits[i].actor == actor && explanation->waits[i].hop)
			return i;
	return EXPLAIN_NONE;
}

static void put_actor(struct explain_context *context, unsigned int indent, size_t at)
{
	const struct explanation *explanation = context->explanation;
	const struct explain_actor *actor = &explanation->actors[at];

	if (actor->role == EXPLAIN_OCCUPANT) {
		put_occupant(context, indent, actor);
		return;
	}
	layout_line_end(&context->page);
	put_actor_title(context, indent, actor);
	if (find_hop(explanation, at) != EXPLAIN_NONE) {
		put_hop(context, indent, find_hop(explanation, at));
		return;
	}
	indent += STEP;
	if (actor->root == EXPLAIN_CYCLE) {
		layout_paragraph(
			&context->page, paragraph_at(indent),
			"It is back at a thread that waits further up: they wait for each other.");
		return;
	}
	if (actor->root == EXPLAIN_TOLD) {
		layout_paragraph(&context->page, paragraph_at(indent),
				 "What it did then is told elsewhere on this page.");
		return;
	}
	put_actor_states(context, indent, actor);
	text_excerpt(&context->page, indent, &actor->excerpt, true);
	put_samples(context, indent, actor);
	for (size_t i = 0; i < explanation->wait_count; i++) {
		if (explanation->waits[i].actor != at)
			continue;
		layout_line_end(&context->page);
		put_wait(context, indent, i);
	}
	put_root(context, indent, actor->root);
}

/* Refer to the finding, because the chain of a deadlock has no end. */
static void put_deadlock(struct explain_context *context, unsigned int indent,
			 const struct explain_wait *wait)
{
	const struct model *model = context->model;

	for (size_t i = 0; i < model->finding_count && wait->is_lock && wait->still_open; i++) {
		const struct model_finding *finding = &model->findings[i];

		for (size_t j = 0; j < finding->victim_count; j++)
			if (finding->kind == FINDING_DEADLOCK &&
			    finding->victims[j] == wait->thread->tid)
				layout_paragraph(
					&context->page, paragraph_at(indent),
					"It is part of the deadlock that finding %zu of the "
					"report tells of; grade: %s",
					i + 1, grade_name(finding->grade));
	}
}

/* Say how much of a wait for a CPU the occupants of that CPU do not account for. */
static void put_unoccupied(struct explain_context *context, unsigned int indent, size_t at)
{
	const struct explanation *explanation = context->explanation;
	const struct explain_wait *wait = &explanation->waits[at];
	uint64_t told_ns = 0;

	for (size_t i = 0; i < explanation->actor_count; i++)
		if (explanation->actors[i].wait == at)
			told_ns += explanation->actors[i].state_ns[THREAD_RUNNING];
	if (!wait->for_cpu || !told_ns || told_ns * 10 >= wait->waited_ns * 9)
		return;
	layout_paragraph(
		&context->page, paragraph_at(indent),
		"That is cpu %" PRIu32
		", where it ran in the end. The other %s are not told of: it may have stood in "
		"the queue of another CPU, or events are missing.",
		wait->observed.cpu, human_duration(wait->waited_ns - told_ns).text);
}

static void put_cause(struct explain_context *context, unsigned int indent, size_t at)
{
	const struct explanation *explanation = context->explanation;

	for (size_t i = 0; i < explanation->actor_count; i++)
		if (explanation->actors[i].wait == at)
			put_actor(context, indent, i);
	put_unoccupied(context, indent, at);
	put_deadlock(context, indent, &explanation->waits[at]);
	put_root(context, indent, explanation->waits[at].root);
}

/* The recursion ends: waits are at most EXPLAIN_DEPTH_MAX deep, with EXPLAIN_HOPS_MAX hops. */
static void put_wait(struct explain_context *context, unsigned int indent, size_t at)
{
	const struct explain_wait *wait = &context->explanation->waits[at];

	put_wait_title(context, indent, wait);
	indent += STEP;
	text_excerpt(&context->page, indent, &wait->excerpt, true);
	if (!wait->excerpt.count)
		put_stack(context, indent, &wait->stack);
	put_lost(context, indent, wait);
	put_lock(context, indent, wait);
	put_object(context, indent, wait);
	put_pieces(context, indent, wait);
	put_cause(context, indent, at);
}

static void put_choice(struct explain_context *context)
{
	static const char *const texts[] = {
		[EXPLAIN_BY_TIME] = "the wait of this time",
		[EXPLAIN_LONGEST_HURTING] = "its longest wait that hurts",
		[EXPLAIN_LONGEST] = "its longest wait; those that hurt, if any, are far shorter",
		[EXPLAIN_OF_FINDING] = "its longest wait in the stall",
	};
	const struct explanation *explanation = context->explanation;
	const struct explain_wait *wait = &explanation->waits[0];
	struct text_layout *page = &context->page;

	layout_begin(page);
	layout_add(page, "%" PRId32 " (%s): ", wait->thread->tid, wait->thread->comm);
	if (explanation->choice == EXPLAIN_OF_VICTIM)
		layout_add(page, "the longest wait of those that %" PRId32 " (%s) kept waiting",
			   explanation->culprit_tid, explanation->culprit_comm);
	else
		layout_add(page, "%s", texts[explanation->choice]);
	layout_add(page, ", %s", human_duration(wait->waited_ns).text);
	layout_add(page, " from %s to %s", model_time_text(context->model, wait->start_ns).text,
		   model_time_text(context->model, wait->end_ns).text);
	if (context->model->capture.start_realtime_ns)
		layout_add(page, " %s", human_zone(context->model->capture.utc_offset_s).text);
	if (explanation->choice == EXPLAIN_LONGEST_HURTING ||
	    explanation->choice == EXPLAIN_LONGEST)
		layout_add(page, ", of %s", human_count(explanation->waits_seen).text);
	layout_end(page, text_labelled("EXPLAINED", STYLE_STRONG));
	layout_paragraph(page, text_labelled("times", STYLE_LABEL),
			 "seconds since the start of the capture; --explain takes them too");
	layout_line_end(page);
}

int report_explanation_text(const struct explanation *explanation, const struct model *model,
			    const struct report_options *options, FILE *out)
{
	struct explain_context context = { .model = model, .explanation = explanation };

	layout_start(&context.page, out, options->width, options->color);
	text_header(&context.page, model);
	put_choice(&context);
	put_wait(&context, 0, 0);
	return layout_finish(&context.page);
}

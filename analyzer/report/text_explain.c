/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chain of events behind one wait, for a person: a wait, what happened in
 * it, who is behind it, and under that the same for what that one waited for.
 */
#include <inttypes.h>
#include <string.h>

#include "analyzer/explain/explain.h"
#include "analyzer/report/report.h"
#include "analyzer/report/text_parts.h"

#define STEP	      2 /* columns that a part is moved to the right of what it belongs to */
#define EVENT_COLUMNS 22

struct telling {
	struct text_layout page;
	const struct model *model;
	const struct explanation *explanation;
};

/* Seconds since the start of the capture, as --explain takes them. */
static struct human seconds(uint64_t at_ns)
{
	struct human human;

	snprintf(human.text, sizeof(human.text), "+%" PRIu64 ".%06" PRIu64, at_ns / 1000000000,
		 at_ns / 1000 % 1000000);
	return human;
}

static struct paragraph block(unsigned int indent)
{
	return (struct paragraph){ .indent = indent, .hang = indent };
}

static void stack(struct telling *telling, unsigned int column, const struct model_stack *stack)
{
	text_stack(&telling->page, (struct paragraph){ .hang = column, .separator = " < " }, stack);
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

static bool blocks(enum ft_task_state state)
{
	return state != FT_STATE_RUNNING && state != FT_STATE_PREEMPTED && state != FT_STATE_DEAD;
}

static const char *mode_text(enum lock_mode mode)
{
	return mode == LOCK_MODE_READ	 ? ", for reading"
	       : mode == LOCK_MODE_WRITE ? ", for writing"
					 : "";
}

static void event_text(struct text_layout *page, const struct explain_event *event)
{
	switch (event->kind) {
	case EXCERPT_GETS_CPU:
		layout_add(page, "gets the CPU");
		break;
	case EXCERPT_LEAVES_CPU:
		layout_add(page, "leaves the CPU, %s", state_text(event->state));
		if (blocks(event->state))
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
			layout_add(page, "enters %s, %s", event->call, human_bytes(event->bytes).text);
		break;
	case EXCERPT_SAMPLE:
		layout_add(page, "is seen running by a CPU sample");
		break;
	case EXCERPT_HAS_RUN:
		layout_add(page, "has the CPU by now; its coming there was not recorded");
		break;
	case EXCERPT_SNAPSHOT:
		layout_add(page, "is looked at by the recorder: %s",
			 blocks(event->state) ? "asleep" : "not asleep");
		break;
	}
}

static void event(struct telling *telling, unsigned int indent, const struct explain_event *event,
		  bool with_stack)
{
	struct text_layout *page = &telling->page;
	struct paragraph paragraph = { .indent = indent, .hang = indent + EVENT_COLUMNS };
	char label[96];

	if (event->cpu == FT_NO_CPU)
		snprintf(label, sizeof(label), "%s", seconds(event->at_ns).text);
	else
		snprintf(label, sizeof(label), "%s  cpu %" PRIu32, seconds(event->at_ns).text,
			 event->cpu);
	paragraph.label = label;
	layout_begin(page);
	event_text(page, event);
	layout_end(page, paragraph);
	if (with_stack)
		stack(telling, paragraph.hang, &event->stack);
}

/* The same stack is printed once: a thread that is woken sleeps again where it was. */
static bool news(const struct explain_excerpt *trail, size_t at)
{
	if (!trail->events[at].stack.count)
		return false;
	for (size_t i = 0; i < at; i++)
		if (trail->events[i].stack.frames == trail->events[at].stack.frames)
			return false;
	return true;
}

static void trail(struct telling *telling, unsigned int indent, const struct explain_excerpt *trail,
		  bool with_stacks)
{
	for (size_t i = 0; i < trail->count; i++) {
		if (i == trail->gap && trail->left_out)
			layout_paragraph(&telling->page, block(indent),
				       "... %s more events of it ...",
				       human_count(trail->left_out).text);
		event(telling, indent, &trail->events[i], with_stacks && news(trail, i));
	}
}

/* What it waited in: class, detail, operation. */
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

static void wait_title(struct telling *telling, unsigned int indent,
		       const struct explain_wait *wait)
{
	const struct explain_actor *within =
		wait->actor == EXPLAIN_NONE ? NULL : &telling->explanation->actors[wait->actor];
	struct text_layout *page = &telling->page;

	layout_begin(page);
	layout_add(page, "%" PRId32 " (%s) %s %s%s", wait->thread->tid, wait->thread->comm,
		 wait->for_cpu ? "was ready to run and had no CPU for" : "was blocked for",
		 wait->began_before || wait->still_open ? "at least " : "",
		 human_duration(wait->waited_ns).text);
	if (!wait->for_cpu || wait->class != WAIT_CPU_RUNQUEUE)
		add_reason(page, wait);
	layout_add(page, ": %s to %s s", seconds(wait->start_ns).text, seconds(wait->end_ns).text);
	if (wait->begin_inferred)
		layout_add(page, " (no event tells since when: no later than that)");
	if (wait->end_inferred)
		layout_add(page, " (no event tells its end: it is inferred)");
	if (wait->sleeps > 1)
		layout_add(page, ", in %" PRIu32 " sleeps", wait->sleeps);
	if (within && wait->within_ns != wait->waited_ns)
		layout_add(page, "; %s of it in these %s", human_duration(wait->within_ns).text,
			 human_duration(within->end_ns - within->start_ns).text);
	layout_end(page, block(indent));
}

/* What it called futex() with, before it slept; 0: not seen. */
static uint64_t futex_of(const struct explain_wait *wait)
{
	uint64_t address = 0;

	for (size_t i = 0; i < wait->excerpt.count; i++)
		if (wait->excerpt.events[i].kind == EXCERPT_CALL && !wait->excerpt.events[i].wakes &&
		    wait->excerpt.events[i].at_ns <= wait->start_ns)
			address = wait->excerpt.events[i].address;
	return address;
}

static void lock_line(struct telling *telling, unsigned int indent, const struct explain_wait *wait)
{
	struct text_layout *page = &telling->page;

	if (!wait->is_lock || wait->class == WAIT_LOCK_FUTEX)
		return;
	layout_begin(page);
	layout_add(page, "The lock: ");
	if (wait->class == WAIT_LOCK_MMAP)
		layout_add(page, "mmap_lock of process %" PRId32 "%s", wait->lock_tgid,
			 wait->lock_address ? ", " : "");
	if (wait->lock_address)
		layout_add(page, "at 0x%" PRIx64, wait->lock_address);
	else if (wait->class == WAIT_LOCK_FUTEX && futex_of(wait))
		layout_add(page,
			 "whatever is at the futex 0x%" PRIx64 "; that it is a lock, with one owner, is not known",
			 futex_of(wait));
	else if (wait->class != WAIT_LOCK_MMAP)
		layout_add(page,
			 "its address is not known, and with it not which one of the process' %s",
			 wait_class_name(wait->class));
	layout_add(page, ".");
	layout_end(page, block(indent));
}

static void piece_line(struct telling *telling, unsigned int indent,
		       const struct explain_piece *piece, enum wait_class class)
{
	const struct human length = human_duration(piece->end_ns - piece->start_ns);

	if (class == WAIT_LOCK_FUTEX) {
		/* It may be no lock: nobody is known to hold anything. */
		if (piece->owner)
			layout_paragraph(&telling->page, block(indent),
				       "%s of it until %" PRId32 " (%s) woke one who waited on a futex, at %s s",
				       length.text, piece->owner->tid, piece->owner->comm,
				       seconds(piece->end_ns).text);
	} else if (piece->owner)
		layout_paragraph(&telling->page, block(indent),
			       "%s of it held by %" PRId32 " (%s), %s to %s s; grade: %s",
			       length.text, piece->owner->tid, piece->owner->comm,
			       seconds(piece->start_ns).text, seconds(piece->end_ns).text,
			       grade_name(piece->grade));
	else
		layout_paragraph(&telling->page, block(indent),
			       "%s of it held by nobody that the events tell of; grade: %s",
			       length.text, grade_name(piece->grade));
}

static void pieces(struct telling *telling, unsigned int indent, const struct explain_wait *wait)
{
	for (size_t i = 0; i < wait->piece_count; i++)
		piece_line(telling, indent, &wait->pieces[i], wait->class);
	if (wait->left_out)
		layout_paragraph(&telling->page, block(indent), "%s of it in %s more, shorter pieces",
			       human_duration(wait->left_out_ns).text,
			       human_count(wait->left_out).text);
}

static void lost_line(struct telling *telling, unsigned int indent, const struct explain_wait *wait)
{
	struct paragraph paragraph = block(indent);

	if (!wait->gaps)
		return;
	paragraph.label = "lost:";
	paragraph.style = STYLE_WARNING;
	paragraph.hang = indent + 6;
	layout_paragraph(&telling->page, paragraph,
		       "%s events in this time, in %" PRIu32 " gap%s (see coverage in the report);"
		       " what is said of it may be wrong",
		       wait->lost_events ? human_count(wait->lost_events).text
					 : "an unknown number of",
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

static void root_line(struct telling *telling, unsigned int indent, enum explain_root root)
{
	struct paragraph paragraph = block(indent);

	if (!root_text(root))
		return;
	paragraph.label = "root:";
	paragraph.style = STYLE_STRONG;
	paragraph.hang = indent + 6;
	layout_paragraph(&telling->page, paragraph, "%s", root_text(root));
}

static void samples(struct telling *telling, unsigned int indent, const struct explain_actor *actor)
{
	const struct cpu_profile *profile = &actor->profile;
	struct text_layout *page = &telling->page;

	if (!profile->samples)
		return;
	layout_begin(page);
	layout_add(page, "%" PRIu32 " CPU sample%s of it, %" PRIu32 " in the kernel; in",
		 profile->samples, profile->samples == 1 ? "" : "s", profile->kernel_samples);
	for (size_t i = 0; i < profile->top_count; i++)
		layout_add(page, "%s %s %" PRIu32, i ? "," : "", profile->top[i].name,
			 profile->top[i].samples);
	layout_add(page, "; most often:");
	layout_end(page, block(indent));
	stack(telling, indent + STEP, &actor->stack);
}

static void occupant(struct telling *telling, unsigned int indent,
		     const struct explain_actor *actor)
{
	layout_paragraph(&telling->page, block(indent),
		       "%" PRId32 " (%s) had the CPU for %s of it, %" PRIu32 " time%s; grade: %s",
		       actor->thread->tid, actor->thread->comm,
		       human_duration(actor->state_ns[THREAD_RUNNING]).text, actor->intervals,
		       actor->intervals == 1 ? "" : "s", grade_name(actor->grade));
}

static void actor_title(struct telling *telling, unsigned int indent,
			const struct explain_actor *actor)
{
	struct text_layout *page = &telling->page;
	struct paragraph paragraph = block(indent);

	paragraph.label = actor->role == EXPLAIN_HOLDER ? "held up by" : "ended by";
	paragraph.style = STYLE_LABEL;
	paragraph.hang = indent + 12;
	layout_begin(page);
	layout_add(page, "%" PRId32 " (%s), %s to %s s; grade: %s", actor->thread->tid,
		 actor->thread->comm, seconds(actor->start_ns).text, seconds(actor->end_ns).text,
		 grade_name(actor->grade));
	layout_end(page, paragraph);
}

static void actor_states(struct telling *telling, unsigned int indent,
			 const struct explain_actor *actor)
{
	struct text_layout *page = &telling->page;

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
	layout_end(page, block(indent));
}

static void wait(struct telling *telling, unsigned int indent, size_t at);
static void behind(struct telling *telling, unsigned int indent, size_t at);

/* It queued for the same lock: who passed it on to this one is what matters. */
static void hop(struct telling *telling, unsigned int indent, size_t at)
{
	const struct explain_wait *wait = &telling->explanation->waits[at];

	layout_paragraph(&telling->page, block(indent + STEP),
		       "It had itself queued in %s from %s s on, and passed it on:",
		       wait_class_name(wait->class), seconds(wait->start_ns).text);
	trail(telling, indent + STEP, &wait->excerpt, false);
	lost_line(telling, indent + STEP, wait);
	behind(telling, indent, at);
}

/* The wait of an actor in which it only queued, too; EXPLAIN_NONE. */
static size_t hop_of(const struct explanation *explanation, size_t actor)
{
	for (size_t i = 0; i < explanation->wait_count; i++)
		if (explanation->waits[i].actor == actor && explanation->waits[i].hop)
			return i;
	return EXPLAIN_NONE;
}

static void actor(struct telling *telling, unsigned int indent, size_t at)
{
	const struct explanation *explanation = telling->explanation;
	const struct explain_actor *actor = &explanation->actors[at];

	if (actor->role == EXPLAIN_OCCUPANT) {
		occupant(telling, indent, actor);
		return;
	}
	layout_line_end(&telling->page);
	actor_title(telling, indent, actor);
	if (hop_of(explanation, at) != EXPLAIN_NONE) {
		hop(telling, indent, hop_of(explanation, at));
		return;
	}
	indent += STEP;
	if (actor->root == EXPLAIN_CYCLE) {
		layout_paragraph(
			&telling->page, block(indent),
			"It is back at a thread that waits further up: they wait for each other.");
		return;
	}
	if (actor->root == EXPLAIN_TOLD) {
		layout_paragraph(&telling->page, block(indent),
			       "What it did then is told elsewhere on this page.");
		return;
	}
	actor_states(telling, indent, actor);
	trail(telling, indent, &actor->excerpt, true);
	samples(telling, indent, actor);
	for (size_t i = 0; i < explanation->wait_count; i++) {
		if (explanation->waits[i].actor != at)
			continue;
		layout_line_end(&telling->page);
		wait(telling, indent, i);
	}
	root_line(telling, indent, actor->root);
}

/* A deadlock has no chain that ends: the report told of it as a whole. */
static void deadlock_line(struct telling *telling, unsigned int indent,
			  const struct explain_wait *wait)
{
	const struct model *model = telling->model;

	for (size_t i = 0; i < model->finding_count && wait->is_lock && wait->still_open; i++) {
		const struct model_finding *finding = &model->findings[i];

		for (size_t j = 0; j < finding->victim_count; j++)
			if (finding->kind == FINDING_DEADLOCK &&
			    finding->victims[j] == wait->thread->tid)
				layout_paragraph(&telling->page, block(indent),
					       "It is part of the deadlock that finding %zu of the "
					       "report tells of; grade: %s",
					       i + 1, grade_name(finding->grade));
	}
}

/* It is told of the CPU on which the thread ran in the end. */
static void unoccupied_line(struct telling *telling, unsigned int indent, size_t at)
{
	const struct explanation *explanation = telling->explanation;
	const struct explain_wait *wait = &explanation->waits[at];
	uint64_t told_ns = 0;

	for (size_t i = 0; i < explanation->actor_count; i++)
		if (explanation->actors[i].wait == at)
			told_ns += explanation->actors[i].state_ns[THREAD_RUNNING];
	if (!wait->for_cpu || !told_ns || told_ns * 10 >= wait->waited_ns * 9)
		return;
	layout_paragraph(&telling->page, block(indent),
		       "That is cpu %" PRIu32
		       ", where it ran in the end. The other %s are not told of: it may have stood in "
		       "the queue of another CPU, or events are missing.",
		       wait->observed.cpu, human_duration(wait->waited_ns - told_ns).text);
}

static void behind(struct telling *telling, unsigned int indent, size_t at)
{
	const struct explanation *explanation = telling->explanation;

	for (size_t i = 0; i < explanation->actor_count; i++)
		if (explanation->actors[i].wait == at)
			actor(telling, indent, i);
	unoccupied_line(telling, indent, at);
	deadlock_line(telling, indent, &explanation->waits[at]);
	root_line(telling, indent, explanation->waits[at].root);
}

/* Waits of waits are at most EXPLAIN_DEPTH_MAX deep, and EXPLAIN_HOPS_MAX hops. */
static void wait(struct telling *telling, unsigned int indent, size_t at)
{
	const struct explain_wait *wait = &telling->explanation->waits[at];

	wait_title(telling, indent, wait);
	indent += STEP;
	trail(telling, indent, &wait->excerpt, true);
	if (!wait->excerpt.count)
		stack(telling, indent, &wait->stack);
	lost_line(telling, indent, wait);
	lock_line(telling, indent, wait);
	pieces(telling, indent, wait);
	behind(telling, indent, at);
}

static void choice(struct telling *telling)
{
	static const char *const texts[] = {
		[EXPLAIN_BY_TIME] = "the wait of this time",
		[EXPLAIN_LONGEST_HURTING] = "its longest wait that hurts",
		[EXPLAIN_LONGEST] = "its longest wait; those that hurt, if any, are far shorter",
		[EXPLAIN_OF_FINDING] = "its longest wait in the stall",
	};
	const struct explanation *explanation = telling->explanation;
	const struct explain_wait *wait = &explanation->waits[0];
	struct text_layout *page = &telling->page;

	layout_begin(page);
	layout_add(page, "%" PRId32 " (%s): ", wait->thread->tid, wait->thread->comm);
	if (explanation->choice == EXPLAIN_OF_VICTIM)
		layout_add(page, "the longest wait of those that %" PRId32 " (%s) kept waiting",
			 explanation->culprit_tid, explanation->culprit_comm);
	else
		layout_add(page, "%s", texts[explanation->choice]);
	layout_add(page, ", %s", human_duration(wait->waited_ns).text);
	layout_add(page, " from %s to %s", text_moment(telling->model, wait->start_ns).text,
		 text_moment(telling->model, wait->end_ns).text);
	if (telling->model->capture.start_realtime_ns)
		layout_add(page, " %s", human_zone(telling->model->capture.utc_offset_s).text);
	if (explanation->choice == EXPLAIN_LONGEST_HURTING ||
	    explanation->choice == EXPLAIN_LONGEST)
		layout_add(page, ", of %s", human_count(explanation->waits_seen).text);
	layout_end(page, text_labelled("EXPLAINED", STYLE_STRONG));
	layout_paragraph(page, text_labelled("times", STYLE_LABEL),
		       "seconds since the start of the capture; --explain takes them too");
	layout_line_end(page);
}

int report_explanation_text(const struct explanation *explanation, const struct model *model,
			    const struct text_options *options, FILE *out)
{
	struct telling telling = { .model = model, .explanation = explanation };

	layout_start(&telling.page, out, options->width, options->color);
	text_header(&telling.page, model);
	choice(&telling);
	wait(&telling, 0, 0);
	return layout_finish(&telling.page);
}

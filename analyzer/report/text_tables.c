/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables under the findings: locks, waits and threads.
 */
#include <inttypes.h>
#include <string.h>

#include "analyzer/report/text_parts.h"

#define LOCK_ROWS      5
#define WAIT_ROWS      8
#define THREAD_ROWS    5
#define NUMBER_COLUMNS 10
#define GAP_COLUMNS    2

static void heading(struct text_layout *page, const char *name, unsigned int columns)
{
	layout_style(page, STYLE_LABEL);
	layout_cell(page, columns, false, "%s", name);
}

static void heading_end(struct text_layout *page)
{
	layout_style_end(page);
	layout_line_end(page);
}

static void number_cell(struct text_layout *page, const char *text)
{
	layout_cell(page, NUMBER_COLUMNS, true, "%s", text);
}

/* Between a number and the text behind it. */
static void gap_cell(struct text_layout *page)
{
	layout_cell(page, GAP_COLUMNS, false, "%s", "");
}

static void more_row(struct text_layout *page, size_t count, size_t shown, const char *option)
{
	if (count > shown) {
		layout_cell(page, page->width, false, " ... %s more (%s)",
			    human_count(count - shown).text, option);
		layout_line_end(page);
	}
}

/* Whoever most of the wait is charged to. */
static void owner_cell(struct text_layout *page, const struct model_lock *lock,
		       unsigned int columns)
{
	const struct model_owner *owner = lock->owners;
	struct human share;

	if (lock->owner_count == 0)
		return;
	share = human_share(owner->blamed_ns, lock->wait_ns);
	if (owner->tid && lock->class == WAIT_LOCK_FUTEX) /* may be no lock: nobody holds it */
		layout_cell(page, columns, false, "woken by %" PRId32 " %s", owner->tid,
			    owner->comm);
	else if (owner->tid == 0)
		layout_cell(page, columns, false, "%s unknown", share.text);
	else
		layout_cell(page, columns, false, "%s %" PRId32 " %s", share.text, owner->tid,
			    owner->comm);
}

/* A process has one mmap_lock, so its number is worth telling where there are several. */
static void lock_cell(struct text_layout *page, const struct model *model,
		      const struct model_lock *lock, unsigned int columns)
{
	if (lock->class == WAIT_LOCK_MMAP && model->capture.target_count != 1)
		layout_cell(page, columns, false, " %s %" PRId32, wait_class_name(lock->class),
			    lock->tgid);
	else if (lock->class == WAIT_LOCK_USER) /* its last digits tell it from the others */
		layout_cell(page, columns, false, " %s ..%08" PRIx32, wait_class_name(lock->class),
			    (uint32_t)lock->address);
	else if (lock->class == WAIT_LOCK_FILE && lock->address && lock->detail) /* device:inode */
		layout_cell(page, columns, false, " %s %s", wait_class_name(lock->class),
			    strrchr(lock->detail, ':') ? strrchr(lock->detail, ':') + 1 : "");
	else
		layout_cell(page, columns, false, " %s%s%s", wait_class_name(lock->class),
			    lock->detail && lock->class != WAIT_LOCK_MMAP ? " " : "",
			    lock->detail && lock->class != WAIT_LOCK_MMAP ? lock->detail : "");
}

void text_locks(struct text_layout *page, const struct model *model)
{
	const unsigned int name_columns = 22;

	if (model->lock_count == 0)
		return;
	heading(page, "locks", name_columns);
	number_cell(page, "waits");
	number_cell(page, "waited");
	number_cell(page, "longest");
	gap_cell(page);
	layout_cell(page, page->width - name_columns - 3 * NUMBER_COLUMNS - GAP_COLUMNS, false,
		    "held by");
	heading_end(page);
	for (size_t i = 0; i < model->lock_count && i < LOCK_ROWS; i++) {
		const struct model_lock *lock = &model->locks[i];

		lock_cell(page, model, lock, name_columns);
		number_cell(page, human_count(lock->waits).text);
		number_cell(page, human_duration(lock->wait_ns).text);
		number_cell(page, human_duration(lock->max_wait_ns).text);
		gap_cell(page);
		owner_cell(page, lock,
			   page->width - name_columns - 3 * NUMBER_COLUMNS - GAP_COLUMNS);
		layout_line_end(page);
	}
	more_row(page, model->lock_count, LOCK_ROWS, "--json");
	layout_line_end(page);
}

static void wait_row(struct text_layout *page, const struct model_wait *wait)
{
	bool operation = wait->operation && *wait->operation;

	layout_cell(page, 20, false, " %s", wait_class_name(wait->class));
	layout_cell(page, 20, false, "%s",
		    operation	   ? wait->operation
		    : wait->detail ? wait->detail
				   : "");
	number_cell(page, human_duration(wait->blocked_ns + wait->runnable_ns).text);
	number_cell(page, human_count(wait->count).text);
	number_cell(page, human_duration(wait->max_ns).text);
	number_cell(page, human_count(wait->threads).text);
	layout_line_end(page);
}

void text_waits(struct text_layout *page, const struct model *model)
{
	size_t count = 0;

	for (size_t i = 0; i < model->wait_group_count; i++) {
		if (model->wait_groups[i].idle)
			continue;
		if (count == 0) {
			heading(page, "waits that hurt", 40);
			number_cell(page, "time");
			number_cell(page, "count");
			number_cell(page, "longest");
			number_cell(page, "threads");
			heading_end(page);
		}
		if (count < WAIT_ROWS)
			wait_row(page, &model->wait_groups[i]);
		count++;
	}
	if (count) {
		more_row(page, count, WAIT_ROWS, "--json");
		layout_line_end(page);
	}
}

void text_idle_waits(struct text_layout *page, const struct model *model)
{
	uint64_t time_ns[WAIT_CLASSES] = { 0 }, waits[WAIT_CLASSES] = { 0 };
	const char *before = "";

	for (size_t i = 0; i < model->wait_group_count; i++) {
		const struct model_wait *wait = &model->wait_groups[i];

		if (wait->idle) {
			time_ns[wait->class] += wait->blocked_ns + wait->runnable_ns;
			waits[wait->class] += wait->count;
		}
	}
	layout_begin(page);
	for (enum wait_class class = 0; class < WAIT_CLASSES; class ++) {
		if (waits[class]) {
			layout_add(page, "%s%s %s in %s wait%s", before, wait_class_name(class),
				   human_duration(time_ns[class]).text,
				   human_count(waits[class]).text, waits[class] == 1 ? "" : "s");
			before = ", ";
		}
	}
	if (!*before)
		layout_add(page, "none");
	layout_end(page, text_labelled("idle waits", STYLE_LABEL));
	layout_line_end(page);
}

/* Where it spent most of the time it did not run. */
static const char *main_class(const struct model_thread *thread)
{
	enum wait_class most = 0;

	for (enum wait_class class = 1; class < WAIT_CLASSES; class ++)
		if (thread->class_ns[class] > thread->class_ns[most])
			most = class;
	return thread->class_ns[most] ? wait_class_name(most) : "";
}

static void thread_row(struct text_layout *page, const struct model_thread *thread)
{
	layout_cell(page, 23, false, " %" PRId32 " %s", thread->tid, thread->comm);
	layout_cell(page, 9, true, "%s", human_duration(thread->running_ns).text);
	layout_cell(page, 9, true, "%s", human_duration(thread->runnable_ns).text);
	layout_cell(page, 9, true, "%s", human_duration(thread->blocked_ns).text);
	layout_cell(page, 9, true, "%s", human_duration(thread->unknown_ns).text);
	gap_cell(page);
	layout_cell(page, 19, false, "%s", main_class(thread));
	layout_line_end(page);
}

/* How many were left out, of the target and of the rest. */
static void more_threads_row(struct text_layout *page, const struct model *model, size_t shown)
{
	size_t target = 0, others = 0;

	for (size_t i = shown; i < model->thread_count; i++)
		*(model->threads[i].target ? &target : &others) += 1;
	if (!target && !others)
		return;
	if (!others)
		layout_cell(page, page->width, false, " ... %s more (--threads)",
			    human_count(target).text);
	else if (!target)
		layout_cell(page, page->width, false, " ... %s of other processes (--threads)",
			    human_count(others).text);
	else
		layout_cell(page, page->width, false,
			    " ... %s more, %s of other processes (--threads)",
			    human_count(target).text, human_count(others).text);
	layout_line_end(page);
}

void text_threads(struct text_layout *page, const struct model *model, bool all)
{
	static const char *const names[] = { "running", "runnable", "blocked", "unknown" };
	size_t shown = 0;

	/* The model has the target's first. */
	while (shown < model->thread_count &&
	       (all || (shown < THREAD_ROWS && (shown == 0 || model->threads[shown].target))))
		shown++;

	if (model->thread_count == 0)
		return;
	heading(page, "threads", 23);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		layout_cell(page, 9, true, "%s", names[i]);
	gap_cell(page);
	layout_cell(page, 19, false, "waiting mostly for");
	heading_end(page);
	for (size_t i = 0; i < shown; i++)
		thread_row(page, &model->threads[i]);
	more_threads_row(page, model, shown);
	layout_line_end(page);
}

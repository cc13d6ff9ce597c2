/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables under the findings: what the stall was lost to, locks, waits and threads.
 */
#include <inttypes.h>
#include <string.h>

#include "analyzer/report/report_private.h"

#define BLAME_ROWS     6
#define ROOT_COLUMNS   34
#define TIME_COLUMNS   10
#define VICTIM_COLUMNS 9
#define GRADE_COLUMNS  11
#define LOCK_ROWS      5
#define WAIT_ROWS      8
#define THREAD_ROWS    5
#define NUMBER_COLUMNS 10
#define GAP_COLUMNS    2

static void begin_heading(struct text_layout *page, const char *name, unsigned int columns)
{
	layout_style(page, STYLE_LABEL);
	layout_cell(page, columns, false, "%s", name);
}

static void end_heading(struct text_layout *page)
{
	layout_style_end(page);
	layout_line_end(page);
}

static void put_number(struct text_layout *page, const char *text)
{
	layout_cell(page, NUMBER_COLUMNS, true, "%s", text);
}

/* Separate a number from the text behind it. */
static void put_gap(struct text_layout *page)
{
	layout_cell(page, GAP_COLUMNS, false, "%s", "");
}

static void put_more_row(struct text_layout *page, size_t count, size_t shown, const char *option)
{
	if (count > shown) {
		layout_cell(page, page->width, false, " ... %s more (%s)",
			    human_count(count - shown).text, option);
		layout_line_end(page);
	}
}

static void put_blame_row(struct text_layout *page, const struct model_blame *blame)
{
	const unsigned int thread_columns =
		page->width - ROOT_COLUMNS - TIME_COLUMNS - VICTIM_COLUMNS - GRADE_COLUMNS;

	layout_cell(page, ROOT_COLUMNS, false, " %s", blame->root);
	if (blame->tid)
		layout_cell(page, thread_columns, false, "%" PRId32 " %s", blame->tid, blame->comm);
	else
		layout_cell(page, thread_columns, false, "%s", "");
	layout_cell(page, TIME_COLUMNS, true, "%s", human_duration(blame->blocked_ns).text);
	layout_cell(page, VICTIM_COLUMNS, true, "%" PRIu32, blame->victims);
	layout_cell(page, GRADE_COLUMNS, true, "%s", grade_name(blame->grade));
	layout_line_end(page);
}

void text_blame(struct text_layout *page, const struct model *model)
{
	const unsigned int thread_columns =
		page->width - ROOT_COLUMNS - TIME_COLUMNS - VICTIM_COLUMNS - GRADE_COLUMNS;
	uint64_t left_ns = 0;
	size_t i;

	if (!model->blame_count)
		return;
	layout_style(page, STYLE_LABEL);
	layout_cell(page, ROOT_COLUMNS, false, "blame");
	layout_cell(page, thread_columns, false, "thread");
	layout_cell(page, TIME_COLUMNS, true, "lost");
	layout_cell(page, VICTIM_COLUMNS, true, "victims");
	layout_cell(page, GRADE_COLUMNS, true, "grade");
	layout_style_end(page);
	layout_line_end(page);
	/* Rows below a hundredth of the first are only in --json. */
	for (i = 0; i < model->blame_count && i < BLAME_ROWS; i++) {
		if (model->blame[i].blocked_ns < model->blame[0].blocked_ns / 100)
			break;
		put_blame_row(page, &model->blame[i]);
	}
	for (size_t j = i; j < model->blame_count; j++)
		left_ns += model->blame[j].blocked_ns;
	if (left_ns && left_ns >= model->blame[0].blocked_ns / 100) {
		layout_cell(page, page->width, false, " ... %s more (--json)",
			    human_count(model->blame_count - i).text);
		layout_line_end(page);
	}
	layout_line_end(page);
}

/* Put the owner that most of the wait is charged to. */
static void put_owner(struct text_layout *page, const struct model_lock *lock,
		       unsigned int columns)
{
	const struct model_owner *owner = lock->owners;
	struct human share;

	if (lock->owner_count == 0)
		return;
	share = human_share(owner->blamed_ns, lock->wait_ns);
	/* A futex may be no lock, so nobody is said to hold it. */
	if (owner->tid && lock->class == WAIT_LOCK_FUTEX)
		layout_cell(page, columns, false, "woken by %" PRId32 " %s", owner->tid,
			    owner->comm);
	else if (owner->tid == 0)
		layout_cell(page, columns, false, "%s unknown", share.text);
	else
		layout_cell(page, columns, false, "%s %" PRId32 " %s", share.text, owner->tid,
			    owner->comm);
}

/* The process is told only where there are several, because each has one mmap_lock. */
static void put_lock_name(struct text_layout *page, const struct model *model,
		      const struct model_lock *lock, unsigned int columns)
{
	if (lock->class == WAIT_LOCK_MMAP && model->capture.target_count != 1)
		layout_cell(page, columns, false, " %s %" PRId32, wait_class_name(lock->class),
			    lock->tgid);
	else if (lock->class == WAIT_LOCK_USER) /* the last digits differ between locks */
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
	begin_heading(page, "locks", name_columns);
	put_number(page, "waits");
	put_number(page, "waited");
	put_number(page, "longest");
	put_gap(page);
	layout_cell(page, page->width - name_columns - 3 * NUMBER_COLUMNS - GAP_COLUMNS, false,
		    "held by");
	end_heading(page);
	for (size_t i = 0; i < model->lock_count && i < LOCK_ROWS; i++) {
		const struct model_lock *lock = &model->locks[i];

		put_lock_name(page, model, lock, name_columns);
		put_number(page, human_count(lock->waits).text);
		put_number(page, human_duration(lock->wait_ns).text);
		put_number(page, human_duration(lock->max_wait_ns).text);
		put_gap(page);
		put_owner(page, lock,
			   page->width - name_columns - 3 * NUMBER_COLUMNS - GAP_COLUMNS);
		layout_line_end(page);
	}
	put_more_row(page, model->lock_count, LOCK_ROWS, "--json");
	layout_line_end(page);
}

static void put_wait_row(struct text_layout *page, const struct model_wait *wait)
{
	bool operation = wait->operation && *wait->operation;
	const char *about = wait->estimated_count ? "~" : "";

	layout_cell(page, 20, false, " %s", wait_class_name(wait->class));
	layout_cell(page, 20, false, "%s",
		    operation	   ? wait->operation
		    : wait->detail ? wait->detail
				   : "");
	layout_cell(page, NUMBER_COLUMNS, true, "%s%s", about,
		    human_duration(wait->blocked_ns + wait->runnable_ns).text);
	layout_cell(page, NUMBER_COLUMNS, true, "%s%s", about, human_count(wait->count).text);
	put_number(page, human_duration(wait->max_ns).text);
	put_number(page, human_count(wait->threads).text);
	layout_line_end(page);
}

void text_waits(struct text_layout *page, const struct model *model)
{
	size_t count = 0, estimated = 0;

	for (size_t i = 0; i < model->wait_group_count; i++) {
		if (model->wait_groups[i].idle)
			continue;
		estimated += count < WAIT_ROWS && model->wait_groups[i].estimated_count;
		if (count == 0) {
			begin_heading(page, "waits that hurt", 40);
			put_number(page, "time");
			put_number(page, "count");
			put_number(page, "longest");
			put_number(page, "threads");
			end_heading(page);
		}
		if (count < WAIT_ROWS)
			put_wait_row(page, &model->wait_groups[i]);
		count++;
	}
	if (count) {
		put_more_row(page, count, WAIT_ROWS, "--json");
		if (estimated) {
			layout_cell(page, page->width, false,
				    " ~ about: of short waits only a sample has stacks");
			layout_line_end(page);
		}
		layout_line_end(page);
	}
}

void text_idle_waits(struct text_layout *page, const struct model *model)
{
	uint64_t time_ns[WAIT_CLASSES] = { 0 }, waits[WAIT_CLASSES] = { 0 };
	bool estimated[WAIT_CLASSES] = { false };
	const char *before = "";

	for (size_t i = 0; i < model->wait_group_count; i++) {
		const struct model_wait *wait = &model->wait_groups[i];

		if (wait->idle) {
			estimated[wait->class] |= wait->estimated_count > 0;
			time_ns[wait->class] += wait->blocked_ns + wait->runnable_ns;
			waits[wait->class] += wait->count;
		}
	}
	layout_begin(page);
	for (enum wait_class class = 0; class < WAIT_CLASSES; class ++) {
		if (waits[class]) {
			layout_add(page, "%s%s %s%s in %s wait%s", before, wait_class_name(class),
				   estimated[class] ? "about " : "", human_duration(time_ns[class]).text,
				   human_count(waits[class]).text, waits[class] == 1 ? "" : "s");
			before = ", ";
		}
	}
	if (!*before)
		layout_add(page, "none");
	layout_end(page, text_labelled("idle waits", STYLE_LABEL));
	layout_line_end(page);
}

/* Find the wait class in which the thread spent most of the time that it did not run. */
static const char *find_main_class(const struct model_thread *thread)
{
	enum wait_class most = 0;

	for (enum wait_class class = 1; class < WAIT_CLASSES; class ++)
		if (thread->class_ns[class] > thread->class_ns[most])
			most = class;
	return thread->class_ns[most] ? wait_class_name(most) : "";
}

static void put_thread_row(struct text_layout *page, const struct model_thread *thread)
{
	layout_cell(page, 23, false, " %" PRId32 " %s", thread->tid, thread->comm);
	layout_cell(page, 9, true, "%s", human_duration(thread->running_ns).text);
	layout_cell(page, 9, true, "%s", human_duration(thread->runnable_ns).text);
	layout_cell(page, 9, true, "%s", human_duration(thread->blocked_ns).text);
	layout_cell(page, 9, true, "%s", human_duration(thread->unknown_ns).text);
	put_gap(page);
	layout_cell(page, 19, false, "%s", find_main_class(thread));
	layout_line_end(page);
}

/* Count the threads that were left out, of the target and of other processes. */
static void put_more_threads_row(struct text_layout *page, const struct model *model, size_t shown)
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

	/* The model lists the target's threads first. */
	while (shown < model->thread_count &&
	       (all || (shown < THREAD_ROWS && (shown == 0 || model->threads[shown].target))))
		shown++;

	if (model->thread_count == 0)
		return;
	begin_heading(page, "threads", 23);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		layout_cell(page, 9, true, "%s", names[i]);
	put_gap(page);
	layout_cell(page, 19, false, "waiting mostly for");
	end_heading(page);
	for (size_t i = 0; i < shown; i++)
		put_thread_row(page, &model->threads[i]);
	put_more_threads_row(page, model, shown);
	layout_line_end(page);
}

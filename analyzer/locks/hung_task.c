/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "analyzer/locks/hung_task.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/locks/lock_private.h"
#include "capture/format.h"

#define TID_DIGITS_MAX 10

/* Part of a line; not terminated. */
struct part {
	const char *text;
	size_t bytes;
};

static bool ends_with(struct part part, const char *with)
{
	size_t bytes = strlen(with);

	return part.bytes >= bytes && !memcmp(part.text + part.bytes - bytes, with, bytes);
}

static bool drop_end(struct part *part, const char *end)
{
	if (!ends_with(*part, end))
		return false;
	part->bytes -= strlen(end);
	return true;
}

/* Split @line at @middle, which is longer than any name and so in none. */
static bool split_line(struct part line, const char *middle, struct part *ret_before,
		       struct part *ret_behind)
{
	const char *found = memmem(line.text, line.bytes, middle, strlen(middle));

	if (!found)
		return false;
	*ret_before = (struct part){ line.text, (size_t)(found - line.text) };
	found += strlen(middle);
	*ret_behind = (struct part){ found, line.bytes - (size_t)(found - line.text) };
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The log writes "\x2e" for bytes that cannot be printed and for the backslash itself. */
static bool read_comm(struct part part, char comm[FT_COMM_BYTES])
{
	size_t length = 0;

	memset(comm, 0, FT_COMM_BYTES);
	for (size_t i = 0; i < part.bytes; i++) {
		char c = part.text[i];

		if (length == FT_COMM_BYTES - 1)
			return false;
		if (c == '\\') {
			int high, low;

			if (part.bytes - i < 4 || part.text[i + 1] != 'x')
				return false;
			high = hex_digit(part.text[i + 2]);
			low = hex_digit(part.text[i + 3]);
			if (high < 0 || low < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 3;
		}
		if (!c)
			return false;
		comm[length++] = c;
	}
	return true;
}

/* "NAME:PID"; the name may have colons in it. */
static bool read_name(struct part part, struct hung_name *ret_name)
{
	size_t digits = 0;
	int64_t tid = 0;

	while (digits < part.bytes && isdigit((unsigned char)part.text[part.bytes - 1 - digits]))
		digits++;
	if (!digits || digits > TID_DIGITS_MAX || digits == part.bytes ||
	    part.text[part.bytes - 1 - digits] != ':')
		return false;
	for (size_t i = part.bytes - digits; i < part.bytes; i++)
		tid = tid * 10 + (part.text[i] - '0');
	if (tid <= 0 || tid > INT32_MAX)
		return false;
	part.bytes -= digits + 1;
	ret_name->tid = (int32_t)tid;
	return read_comm(part, ret_name->comm);
}

static bool read_mutex(struct part line, struct hung_task *hung)
{
	struct part waiter, owner;

	hung->family = WAIT_LOCK_MUTEX;
	return split_line(line, " is blocked on a mutex likely owned by task ", &waiter, &owner) &&
	       drop_end(&owner, ".") && read_name(waiter, &hung->waiter) &&
	       read_name(owner, &hung->owner);
}

static bool read_rwsem(struct part line, struct hung_task *hung)
{
	struct part waiter, owner;

	hung->family = WAIT_LOCK_RWSEM;
	if (!split_line(line, " blocked on an rw-semaphore likely owned by task ", &waiter, &owner))
		return false;
	hung->owner_reads = drop_end(&owner, " <reader>");
	return (hung->owner_reads || drop_end(&owner, " <writer>")) &&
	       (drop_end(&waiter, " <reader>") || drop_end(&waiter, " <writer>")) &&
	       read_name(waiter, &hung->waiter) && read_name(owner, &hung->owner);
}

/* Whether @note is a line about a task; *@ret_line: the text behind the prefix. */
static bool skip_prefix(const char *note, struct part *ret_line)
{
	static const char BEGIN[] = FT_NOTE_KERNEL_LOG "INFO: task ";

	if (strncmp(note, BEGIN, strlen(BEGIN)) != 0)
		return false;
	ret_line->text = note + strlen(BEGIN);
	ret_line->bytes = strlen(ret_line->text);
	return true;
}

bool hung_task_parse(const char *note, struct hung_task *ret_hung)
{
	struct hung_task hung = { 0 };
	struct part line;

	if (!skip_prefix(note, &line))
		return false;
	if (!read_mutex(line, &hung)) {
		hung = (struct hung_task){ 0 };
		if (!read_rwsem(line, &hung))
			return false;
	}
	*ret_hung = hung;
	return true;
}

bool hung_task_waiter(const char *note, struct hung_name *ret_waiter)
{
	struct part line, waiter, seconds;
	struct hung_name name = { 0 };
	struct hung_task hung;

	if (hung_task_parse(note, &hung)) {
		*ret_waiter = hung.waiter;
		return true;
	}
	if (!skip_prefix(note, &line) ||
	    !split_line(line, " blocked for more than ", &waiter, &seconds) ||
	    !read_name(waiter, &name))
		return false;
	*ret_waiter = name;
	return true;
}

struct thread *hung_task_thread(const struct threads *threads, const struct hung_name *name,
				bool *ret_another)
{
	struct thread *thread = threads_find(threads, name->tid);

	*ret_another = thread && strncmp(thread->comm, name->comm, FT_COMM_BYTES) != 0;
	return *ret_another ? NULL : thread;
}

/* The kernel writes ten of them by default; a made-up capture may have any number. */
#define LOG_MAX 1000u

/* A line is about a wait of a second at least: not about one that began so shortly before it. */
#define HUNG_NS 500000000u

/* *@ret_thread: made if no event mentions it, as an owner outside the target may sleep all the time; NULL where
 * another thread has its tid. 0 or -ENOMEM. */
static int find_owner(struct lock_tracker *locks, const struct hung_name *owner,
		      struct thread **ret_thread)
{
	struct ft_task task = { .tid = owner->tid, .tgid = -1 };
	bool another;

	*ret_thread = hung_task_thread(locks->threads, owner, &another);
	if (*ret_thread || another)
		return 0;
	memcpy(task.comm, owner->comm, sizeof(task.comm));
	*ret_thread = threads_get(locks->threads, &task, FT_NO_CPU);
	return *ret_thread ? 0 : -ENOMEM;
}

/*
 * *@ret_holder: the holder of the lock that @waiter waits for when @line was written; its thread is NULL where
 * the line cannot be believed. A line from before the recording may be about another wait. 0 or -ENOMEM.
 */
static int find_holder(struct lock_tracker *locks, const struct waiter *waiter,
		       const struct log_line *line, struct lock_release *ret_holder)
{
	const struct lock_entry *entry = waiter->entry;
	/* There may be more readers than the one that is named. */
	bool sure = !line->hung.owner_reads && line->time_ns >= waiter->start_ns;
	struct operation_since since;
	struct thread *thread;

	*ret_holder = (struct lock_release){ 0 };
	if (find_owner(locks, &line->hung.owner, &thread))
		return -ENOMEM;
	if (!thread || thread->exited ||
	    (!ownership_ambiguous(entry->ownership) &&
	     lock_tracker_waits_for(locks, thread, entry)))
		return 0;
	since = kernel_operations_since(locks->operations, thread);
	*ret_holder = (struct lock_release){
		.thread = thread,
		.time_ns = line->time_ns,
		.since_ns = since.since_ns,
		.since_exact = since.exact,
		.read = line->hung.owner_reads,
		.plausible = !sure,
		.exact = sure,
		.named_ns = line->time_ns,
		.stack_id = since.stack_id,
	};
	return lock_tracker_bound_by_own_wait(locks, entry, ret_holder);
}

/* Whether @waiter waits for such a lock, for as long as @line says. */
static bool is_about(const struct log_line *line, const struct waiter *waiter)
{
	return waiter && waiter->open &&
	       lock_tracker_family_of(waiter->entry->lock.class) == line->hung.family &&
	       (waiter->began_before || waiter->start_ns + HUNG_NS <= line->time_ns);
}

int lock_tracker_log_line(struct lock_tracker *locks, const struct hung_task *hung,
			  uint64_t time_ns)
{
	struct log_line line = { .hung = *hung, .time_ns = time_ns };
	const struct waiter *waiter;
	struct ownership *ownership;
	struct lock_release holder;
	struct thread *thread, *owner;
	struct log_line *log;
	bool another;

	if (!locks->threads || locks->log_count == LOG_MAX)
		return 0;
	log = reallocarray(locks->log, locks->log_count + 1, sizeof(*log));
	if (!log)
		return -ENOMEM;
	locks->log = log;
	owner = hung_task_thread(locks->threads, &hung->owner, &another);
	if (owner)
		line.since_ns = kernel_operations_since(locks->operations, owner).since_ns;
	log[locks->log_count++] = line;
	thread = hung_task_thread(locks->threads, &hung->waiter, &another);
	waiter = thread ? per_thread_find(&locks->waiters, thread) : NULL;
	if (!is_about(&line, waiter))
		return 0;
	ownership = waiter->entry->ownership;
	if (find_holder(locks, waiter, &line, &holder))
		return -ENOMEM;
	return holder.thread && holder.exact ? ownership_named(ownership, &holder) : 0;
}

/* The last line about the wait that @thread is in; NULL. */
static const struct log_line *find_last_line(const struct lock_tracker *locks,
					     const struct thread *thread)
{
	const struct waiter *waiter = per_thread_find(&locks->waiters, thread);

	for (size_t i = locks->log_count; i-- > 0;) {
		const struct log_line *line = &locks->log[i];

		if (line->hung.waiter.tid == thread->tid &&
		    !strncmp(line->hung.waiter.comm, thread->comm, FT_COMM_BYTES) &&
		    is_about(line, waiter))
			return line;
	}
	return NULL;
}

/* Whether the owner of @line may still be in the operation that it was in then. */
static bool is_still_inside(const struct lock_tracker *locks, const struct log_line *line,
			    const struct waiter *waiter, const struct thread *owner)
{
	struct operation_since now = kernel_operations_since(locks->operations, owner);

	return now.since_ns == line->since_ns && !(now.outside && line->time_ns < waiter->start_ns);
}

int lock_tracker_log_alone(struct lock_tracker *locks, const struct interval *interval,
			   const struct waiter *waiter)
{
	struct ownership *ownership = waiter->entry->ownership;
	const struct log_line *line;
	struct lock_release holder;

	if (!(interval->flags & INTERVAL_STILL_OPEN) || !ownership_ambiguous(ownership))
		return 0;
	line = find_last_line(locks, interval->thread);
	if (!line)
		return 0;
	if (find_holder(locks, waiter, line, &holder))
		return -ENOMEM;
	if (!holder.thread || !is_still_inside(locks, line, waiter, holder.thread))
		return 0;
	return ownership_named_alone(ownership, &holder, interval->start_ns, interval->end_ns);
}

int lock_tracker_log_ending(struct lock_tracker *locks, const struct lock_entry *entry,
			    const struct threads *threads, uint64_t end_ns,
			    struct lock_release *ret_holder)
{
	*ret_holder = (struct lock_release){ 0 };
	if (ownership_ambiguous(entry->ownership))
		return 0;
	for (size_t i = locks->log_count; i-- > 0;) {
		const struct log_line *line = &locks->log[i];
		struct thread *thread = threads_find(threads, line->hung.waiter.tid);
		const struct waiter *waiter =
			thread ? per_thread_find(&locks->waiters, thread) : NULL;

		if (!waiter || waiter->entry != entry || find_last_line(locks, thread) != line ||
		    ownership_released_ns(entry->ownership) > line->time_ns)
			continue;
		if (find_holder(locks, waiter, line, ret_holder))
			return -ENOMEM;
		if (ret_holder->thread &&
		    is_still_inside(locks, line, waiter, ret_holder->thread)) {
			ret_holder->time_ns = end_ns;
			ret_holder->exact = false;
			return 0;
		}
		ret_holder->thread = NULL;
	}
	return 0;
}

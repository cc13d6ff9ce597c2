/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/locks/proc_locks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/locks/lock_private.h"
#include "analyzer/trace/per_thread.h"

/* A recorder writes hundreds; a made-up capture may have any number. */
#define LINES_MAX 1000u
#define WAITS_MAX 2000u

struct line {
	uint64_t time_ns;
	struct ft_filelock lock;
	char text[40];
};

/* The sleep that a thread is in, as its own switches tell. */
struct file_lock_sleep {
	struct thread *thread; /* NULL: it is not asleep, or elsewhere */
	uint64_t start_ns;
	unsigned int flags; /* INTERVAL_* */
	uint32_t stack_id;
};

struct proc_locks {
	struct per_thread sleeps; /* struct file_lock_sleep */
	struct line *lines;
	size_t line_count;
	struct proc_locks_wait *waits;
	size_t wait_count;
};

int proc_locks_create(struct proc_locks **ret_listed)
{
	struct proc_locks *listed = calloc(1, sizeof(*listed));

	if (!listed)
		return -ENOMEM;
	listed->sleeps.entry_bytes = sizeof(struct file_lock_sleep);
	*ret_listed = listed;
	return 0;
}

void proc_locks_destroy(struct proc_locks *listed)
{
	if (!listed)
		return;
	per_thread_free(&listed->sleeps);
	free(listed->lines);
	free(listed->waits);
	free(listed);
}

static uint64_t file_address(const struct ft_filelock *lock)
{
	return ((uint64_t)lock->major << 52 ^ (uint64_t)lock->minor << 40 ^ lock->inode) |
	       !lock->inode;
}

int proc_locks_event(struct proc_locks *listed, const struct event *event)
{
	struct ft_filelock lock;
	struct line *lines, *line;

	if (event->raw.kind != FT_EVENT_NOTE || !ft_filelock_parse(event->raw.note.text, &lock) ||
	    listed->line_count == LINES_MAX)
		return 0;
	lines = reallocarray(listed->lines, listed->line_count + 1, sizeof(*lines));
	if (!lines)
		return -ENOMEM;
	listed->lines = lines;
	line = &lines[listed->line_count++];
	line->time_ns = event->raw.time_ns;
	line->lock = lock;
	snprintf(line->text, sizeof(line->text), "%02" PRIx32 ":%02" PRIx32 ":%" PRIu64, lock.major,
		 lock.minor, lock.inode);
	return 0;
}

/* A sleep is over, or the recording is: keep it where the list was read meanwhile, and told of the process. */
static int end_sleep(struct proc_locks *listed, struct file_lock_sleep *sleep, uint64_t end_ns,
		     unsigned int flags)
{
	struct thread *thread = sleep->thread;
	struct proc_locks_wait *waits;

	sleep->thread = NULL;
	if (!thread || listed->wait_count == WAITS_MAX)
		return 0;
	for (size_t i = listed->line_count; i-- > 0;) {
		const struct line *line = &listed->lines[i];

		if (line->lock.waiter != thread->tgid || line->time_ns < sleep->start_ns ||
		    line->time_ns > end_ns)
			continue;
		waits = reallocarray(listed->waits, listed->wait_count + 1, sizeof(*waits));
		if (!waits)
			return -ENOMEM;
		listed->waits = waits;
		waits[listed->wait_count++] = (struct proc_locks_wait){
			.thread = thread,
			.start_ns = sleep->start_ns,
			.end_ns = end_ns,
			.seen_ns = line->time_ns,
			.flags = sleep->flags | flags,
			.stack_id = sleep->stack_id,
		};
		break;
	}
	return 0;
}

static int begin_sleep(struct proc_locks *listed, struct stack_infos *stack_infos,
		       const struct event *event, enum ft_task_state state, uint64_t start_ns,
		       unsigned int flags)
{
	const struct stack_info *info = stack_infos_get(stack_infos, event->stack_id);
	struct file_lock_sleep *sleep;

	if (!info)
		return -ENOMEM;
	if (stack_info_reason(info, state)->class != WAIT_LOCK_FILE)
		return 0;
	sleep = per_thread_get(&listed->sleeps, event->thread);
	if (!sleep)
		return -ENOMEM;
	if (!sleep->thread)
		*sleep = (struct file_lock_sleep){ event->thread, start_ns, flags,
						   event->stack_id };
	return 0;
}

static bool is_asleep(enum ft_task_state state)
{
	return state != FT_STATE_RUNNING && state != FT_STATE_PREEMPTED && state != FT_STATE_DEAD;
}

int proc_locks_sleep_event(struct proc_locks *listed, struct stack_infos *stack_infos,
			   const struct event *event, uint64_t start_ns)
{
	struct file_lock_sleep *woken;

	if (event->raw.kind == FT_EVENT_STATE)
		return event->stack_id != STACK_NONE && is_asleep(event->raw.state.state)
			       ? begin_sleep(listed, stack_infos, event, event->raw.state.state,
					     start_ns, INTERVAL_BEGAN_BEFORE)
			       : 0;
	if (event->raw.kind != FT_EVENT_SWITCH)
		return 0;
	woken = per_thread_find(&listed->sleeps, event->other);
	if (woken && end_sleep(listed, woken, event->raw.time_ns, 0))
		return -ENOMEM;
	if (event->stack_id == STACK_NONE || !is_asleep(event->raw.switch_.prev_state))
		return 0;
	return begin_sleep(listed, stack_infos, event, event->raw.switch_.prev_state,
			   event->raw.time_ns, 0);
}

int proc_locks_end_sleeps(struct proc_locks *listed, uint64_t end_ns)
{
	for (size_t i = 0; i < per_thread_count(&listed->sleeps); i++) {
		struct file_lock_sleep *sleep = per_thread_at(&listed->sleeps, i);

		if (sleep && end_sleep(listed, sleep, end_ns, INTERVAL_STILL_OPEN))
			return -ENOMEM;
	}
	return 0;
}

/* The wait is told if all lines about its process at that time name the same lock. */
static void judge_wait(const struct proc_locks *listed, struct proc_locks_wait *wait)
{
	const struct ft_filelock *first = NULL;

	for (size_t i = 0; i < listed->line_count; i++) {
		const struct ft_filelock *lock = &listed->lines[i].lock;

		if (listed->lines[i].time_ns != wait->seen_ns || lock->waiter != wait->thread->tgid)
			continue;
		if (!first) {
			first = lock;
			wait->told = true;
			wait->kind = lock->kind;
			wait->address = file_address(lock);
			wait->holder = lock->holder;
		}
		if (file_address(lock) != wait->address)
			wait->told = false;
		if (lock->holder != wait->holder || lock->kind != wait->kind)
			wait->holder = 0;
	}
}

bool proc_locks_judge(struct proc_locks *listed)
{
	bool told = false;

	for (size_t i = 0; i < listed->wait_count; i++) {
		judge_wait(listed, &listed->waits[i]);
		told = told || listed->waits[i].told;
	}
	return told;
}

/* The wait of @thread that began at @start_ns; NULL where it is not known what for. */
static const struct proc_locks_wait *find_wait(const struct proc_locks *listed,
					       const struct thread *thread, uint64_t start_ns)
{
	for (size_t i = 0; i < listed->wait_count; i++) {
		const struct proc_locks_wait *wait = &listed->waits[i];

		if (wait->told && wait->thread == thread && wait->start_ns == start_ns)
			return wait;
	}
	return NULL;
}

static bool is_open(const struct proc_locks_wait *wait)
{
	return wait->told && (wait->flags & INTERVAL_STILL_OPEN);
}

const struct proc_locks_wait *proc_locks_open(const struct proc_locks *listed, uint64_t address)
{
	const struct proc_locks_wait *found = NULL;

	for (size_t i = 0; i < listed->wait_count; i++) {
		const struct proc_locks_wait *wait = &listed->waits[i];

		if (is_open(wait) && wait->address == address &&
		    (!found || wait->start_ns < found->start_ns))
			found = wait;
	}
	return found;
}

const struct proc_locks_wait *proc_locks_open_of(const struct proc_locks *listed,
						 const struct thread *thread)
{
	for (size_t i = 0; i < listed->wait_count; i++)
		if (is_open(&listed->waits[i]) && listed->waits[i].thread == thread)
			return &listed->waits[i];
	return NULL;
}

const char *proc_locks_text(const struct proc_locks *listed, uint64_t address)
{
	for (size_t i = 0; i < listed->line_count; i++)
		if (file_address(&listed->lines[i].lock) == address)
			return listed->lines[i].text;
	return "";
}

/*
 * The only thread of @tgid that lives; NULL where there are several, or none. The recorder tells of all
 * threads of a process that it lists as a holder.
 */
static struct thread *find_only_thread(const struct threads *threads, int32_t tgid)
{
	struct thread *found = NULL;

	for (size_t i = 0; i < threads_count(threads) && tgid; i++) {
		struct thread *thread = threads_at(threads, i);

		if (thread->tgid != tgid || thread->exited || thread->idle_task)
			continue;
		if (found)
			return NULL;
		found = thread;
	}
	return found;
}

static const struct proc_locks *get_proc_locks(const struct lock_tracker *locks)
{
	return locks->options.futexes ? futex_locks_proc_locks(locks->options.futexes) : NULL;
}

uint64_t lock_tracker_file_address(const struct lock_tracker *locks,
				   const struct interval *interval, struct wait_reason *ret_reason)
{
	const struct proc_locks *listed = get_proc_locks(locks);
	const struct proc_locks_wait *wait =
		listed ? find_wait(listed, interval->thread, interval->start_ns) : NULL;

	if (!wait)
		return 0;
	ret_reason->detail = proc_locks_text(listed, wait->address);
	return wait->address;
}

int lock_tracker_file_ending(struct lock_tracker *locks, struct lock_entry *entry,
			     const struct threads *threads, uint64_t end_ns)
{
	const struct proc_locks *listed = get_proc_locks(locks);
	const struct proc_locks_wait *wait =
		listed ? proc_locks_open(listed, entry->key.address) : NULL;
	struct thread *holder = wait ? find_only_thread(threads, wait->holder) : NULL;

	if (!holder || lock_tracker_waits_for(locks, holder, entry))
		return 0;
	entry->lock.holder = holder;
	entry->lock.holder_named = true;
	return ownership_held_at_end(entry->ownership,
				     &(struct lock_release){ .thread = holder,
							     .time_ns = end_ns,
							     .since_ns = wait->start_ns,
							     .exact = true,
							     .stack_id = STACK_NONE });
}

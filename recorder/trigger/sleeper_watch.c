/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/trigger/sleeper_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/proc/target.h"
#include "recorder/trigger/sleep_kind.h"

#define ASLEEP_LEAST_NS 200000000u /* shorter sleeps are not looked at */
#define READS_MOST	32 /* threads that are looked at in one go: about half a millisecond */
#define STILL_MOST	512 /* a target of more threads is not asked whether it stands still */

/* What was found out of one sleep. */
struct finding {
	uint32_t changes; /* plus 1: of the sleep; 0: none */
	uint64_t since_ns; /* that it cannot go on; 0: it may be idle */
	char letter;
};

struct sleeper_watch {
	const struct blocked_threads *blocked;
	sleeper_read *read;
	struct finding *findings; /* by slot */
	size_t room, next;
	/* Of the target as a whole. */
	uint64_t seen_changes; /* of all its threads */
	uint64_t active_ns; /* it was active at the look before this time */
	uint64_t steady_since_ns;
	uint64_t still_asked_ns; /* the standstill that was asked about */
	bool still;
};

int sleeper_watch_create(const struct blocked_threads *blocked, sleeper_read *read,
			 struct sleeper_watch **ret_watch)
{
	struct sleeper_watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return -ENOMEM;
	watch->blocked = blocked;
	watch->read = read;
	*ret_watch = watch;
	return 0;
}

void sleeper_watch_destroy(struct sleeper_watch *watch)
{
	if (!watch)
		return;
	free(watch->findings);
	free(watch);
}

static bool make_room(struct sleeper_watch *watch, size_t slots)
{
	struct finding *findings;

	if (slots <= watch->room)
		return true;
	findings = realloc(watch->findings, slots * 2 * sizeof(*findings));
	if (!findings)
		return false;
	for (size_t i = watch->room; i < slots * 2; i++)
		findings[i] = (struct finding){ 0 };
	watch->findings = findings;
	watch->room = slots * 2;
	return true;
}

static char letter_of(enum ft_task_state state)
{
	return state == FT_STATE_DISK	   ? 'D'
	       : state == FT_STATE_STOPPED ? 'T'
	       : state == FT_STATE_TRACED  ? 't'
					   : 'S';
}

/* The time of a thread that was frozen where it slept is that of the first look that saw it so. */
static void read_sleep(struct sleeper_watch *watch, size_t slot,
		       const struct blocked_thread *thread, uint64_t now_ns)
{
	struct finding *finding = &watch->findings[slot];
	struct proc_task_wait wait;
	enum sleep_kind kind = SLEEP_IDLE;

	if (finding->changes != thread->changes + 1)
		*finding = (struct finding){ .changes = thread->changes + 1 };
	if (!watch->read(thread->tgid, thread->tid, &wait))
		kind = sleep_kind_of(&wait);
	if (kind == SLEEP_HURTS)
		finding->since_ns = thread->since_ns;
	else if (kind != SLEEP_CHANGED)
		finding->since_ns = 0;
	else if (!finding->since_ns)
		finding->since_ns = now_ns;
	finding->letter = kind == SLEEP_CHANGED ? letter_of(wait.state) : 'S';
}

static bool is_asleep(const struct blocked_thread *thread)
{
	return thread->since_ns && thread->state == FT_STATE_SLEEPING;
}

static void note_activity(struct sleeper_watch *watch, uint64_t changes, uint64_t now_ns)
{
	if (changes == watch->seen_changes)
		return;
	if (now_ns > watch->active_ns + SLEEPER_GAP_NS)
		watch->steady_since_ns = now_ns;
	watch->seen_changes = changes;
	watch->active_ns = now_ns;
}

void sleeper_watch_look(struct sleeper_watch *watch, const struct target *target,
			uint64_t drained_ns)
{
	size_t slots = blocked_threads_count(watch->blocked), reads = 0;
	struct blocked_thread thread;
	uint64_t changes = 0;

	if (!slots || !make_room(watch, slots))
		return;
	watch->next %= slots;
	size_t first = watch->next;
	for (size_t i = 0; i < slots; i++) {
		size_t slot = (first + i) % slots;

		if (!blocked_threads_at(watch->blocked, slot, &thread) ||
		    !target_has(target, thread.tgid))
			continue;
		changes += thread.changes;
		if (reads == READS_MOST || !is_asleep(&thread) ||
		    thread.since_ns + ASLEEP_LEAST_NS > drained_ns)
			continue;
		read_sleep(watch, slot, &thread, drained_ns);
		reads++;
		watch->next = slot + 1;
	}
	note_activity(watch, changes, drained_ns);
}

uint64_t sleeper_watch_since(const struct sleeper_watch *watch, size_t slot,
			     const struct blocked_thread *thread, char *ret_letter)
{
	const struct finding *finding = slot < watch->room ? &watch->findings[slot] : NULL;

	*ret_letter = 'S';
	if (!finding || finding->changes != thread->changes + 1)
		return 0;
	*ret_letter = finding->letter;
	return finding->since_ns;
}

/* Whether no thread of the target waits for what may come from outside. */
static bool nobody_is_idle(struct sleeper_watch *watch, const struct target *target)
{
	size_t slots = blocked_threads_count(watch->blocked), asked = 0;
	struct blocked_thread thread;
	struct proc_task_wait wait;

	for (size_t slot = 0; slot < slots; slot++) {
		if (!blocked_threads_at(watch->blocked, slot, &thread) ||
		    !target_has(target, thread.tgid) || !is_asleep(&thread))
			continue;
		if (asked++ == STILL_MOST)
			return false;
		if (watch->read(thread.tgid, thread.tid, &wait) || !wait.function[0] ||
		    !strcmp(wait.function, "0") || sleep_kind_of(&wait) == SLEEP_IDLE)
			return false; /* also where nobody may know */
	}
	return asked > 0;
}

/* Return: since when all threads of the target that had events are blocked; 0: not all are. */
static uint64_t all_blocked_since(const struct sleeper_watch *watch, const struct target *target)
{
	size_t slots = blocked_threads_count(watch->blocked);
	struct blocked_thread thread;
	uint64_t since_ns = 0;

	for (size_t slot = 0; slot < slots; slot++) {
		if (!blocked_threads_at(watch->blocked, slot, &thread) ||
		    !target_has(target, thread.tgid))
			continue;
		if (!thread.since_ns)
			return 0;
		if (thread.since_ns > since_ns)
			since_ns = thread.since_ns;
	}
	return since_ns;
}

/* Without a target the host is meant, which never stands still. */
uint64_t sleeper_watch_still_ns(struct sleeper_watch *watch, const struct target *target,
				uint64_t for_ns, uint64_t drained_ns)
{
	uint64_t since_ns = target->count ? all_blocked_since(watch, target) : 0;

	if (!since_ns || since_ns + for_ns > drained_ns ||
	    watch->active_ns < watch->steady_since_ns + SLEEPER_STEADY_NS)
		return 0;
	if (watch->still_asked_ns != since_ns) {
		watch->still_asked_ns = since_ns;
		watch->still = nobody_is_idle(watch, target);
	}
	return watch->still ? since_ns : 0;
}

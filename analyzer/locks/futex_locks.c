/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/locks/futex_locks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/trace/per_thread.h"
#include "analyzer/util/hash.h"

/* Wake-ups by one thread this close together come out of one call that wakes several: no mutex does. */
#define BROADCAST_NS 20000u

struct futex_key {
	uint64_t address;
	int64_t tgid;
};

struct futex {
	struct futex_key key;
	unsigned int looks;
	uint32_t waiters; /* threads that waited */
	uint32_t members; /* of them, those that also woke a waiter */
	uint32_t wakes, broadcasts;
	int32_t owner; /* as a value named it last; 0: none did */
	bool shared; /* between processes: its owner may be of another one */
	const struct thread *waker; /* the last one */
	uint64_t wake_ns;
	struct futex_handoff handoff; /* after judging: only where it is HANDOFF_TIMED */
	struct futex *first; /* at the first half of its 8 bytes, which may be itself; NULL: not looked up */
	struct handoff_stall still; /* valid after judging, */
	bool lock; /* as this is */
	UT_hash_handle hh;
};

struct pair_key {
	const struct futex *futex;
	uint64_t thread_index;
};

/* What one thread did at one address. */
struct pair {
	struct pair_key key;
	bool waited, woke;
	UT_hash_handle hh;
};

/* Whether the C library of a process is glibc, as its waits tell: then 2 is a mutex. */
struct process {
	int32_t tgid;
	bool glibc;
	UT_hash_handle hh;
};

/* The wait that a thread is in, or is about to go to. */
struct pending {
	struct futex *futex; /* NULL: none */
	bool asleep;
	/* Threads wait at the same address again and again: what was found for it last. NULL: nothing yet. */
	struct futex *last;
	struct pair *last_pair;
	struct process *process; /* the thread's */
};

struct futex_locks {
	struct stack_infos *stack_infos;
	struct proc_locks *proc_locks;
	int64_t syscall; /* -1: not known */
	struct futex *futexes;
	struct pair *pairs;
	struct process *processes;
	struct per_thread pendings; /* struct pending */
	struct per_thread handoff_waiters; /* struct handoff_waiter */
};

/* "202:futex" of a list of such, or what the architecture has. */
static int64_t find_syscall_number(const struct ft_facts *facts)
{
	const char *text = ft_facts_get(facts, FT_FACT_SYSCALLS);
	const char *arch = ft_facts_get(facts, FT_FACT_ARCH);
	char name[32];
	int number, used;

	while (text && sscanf(text, "%d:%31[^,]%n", &number, name, &used) == 2) {
		if (!strcmp(name, "futex"))
			return number;
		text += used;
		if (*text++ != ',')
			break;
	}
	if (arch && !strcmp(arch, "x86_64"))
		return 202;
	return arch && !strcmp(arch, "aarch64") ? 98 : -1;
}

int futex_locks_create(const struct ft_facts *facts, struct stack_infos *stack_infos,
		       struct futex_locks **ret_futexes)
{
	struct futex_locks *futexes = calloc(1, sizeof(*futexes));

	if (!futexes || proc_locks_create(&futexes->proc_locks)) {
		free(futexes);
		return -ENOMEM;
	}
	futexes->stack_infos = stack_infos;
	futexes->syscall = find_syscall_number(facts);
	futexes->pendings.entry_bytes = sizeof(struct pending);
	futexes->handoff_waiters.entry_bytes = sizeof(struct handoff_waiter);
	*ret_futexes = futexes;
	return 0;
}

/* Free what only futex_locks_judge() needs. */
static void free_evidence(struct futex_locks *futexes)
{
	struct futex *futex, *next_futex;

	hash_free(futexes->pairs);
	hash_free(futexes->processes);
	HASH_ITER(hh, futexes->futexes, futex, next_futex)
	{
		if (futex->still.kind != HANDOFF_TIMED)
			futex_handoff_free(&futex->handoff);
	}
	per_thread_free(&futexes->pendings);
	per_thread_free(&futexes->handoff_waiters);
}

void futex_locks_destroy(struct futex_locks *futexes)
{
	struct futex *futex, *next;

	if (!futexes)
		return;
	free_evidence(futexes);
	proc_locks_destroy(futexes->proc_locks);
	HASH_ITER(hh, futexes->futexes, futex, next)
	{
		HASH_DEL(futexes->futexes, futex);
		futex_handoff_free(&futex->handoff);
		free(futex);
	}
	free(futexes);
}

bool futex_locks_wait(const struct futex_locks *futexes, const struct event *event,
		      struct futex_wait *ret_wait)
{
	const uint64_t *args = event->raw.call.args;
	struct futex_wait wait;

	if (event->raw.kind == FT_EVENT_STATE && futexes->syscall >= 0 &&
	    event->raw.state.syscall == futexes->syscall)
		args = event->raw.state.args;
	else if (event->raw.kind != FT_EVENT_CALL || event->raw.call.call != FT_CALL_FUTEX)
		return false;
	wait = (struct futex_wait){ args[0], (uint32_t)args[1], (uint32_t)args[2] };
	if (!wait.address || !futex_value_waits(&wait))
		return false;
	*ret_wait = wait;
	return true;
}

static struct futex_key make_key(int32_t tgid, uint64_t address)
{
	return (struct futex_key){ .address = address, .tgid = tgid };
}

static struct futex *get_futex(struct futex_locks *futexes, int32_t tgid, uint64_t address)
{
	const struct futex_key key = make_key(tgid, address);
	struct futex *futex;

	HASH_FIND(hh, futexes->futexes, &key, sizeof(key), futex);
	if (futex)
		return futex;
	futex = calloc(1, sizeof(*futex));
	if (!futex)
		return NULL;
	futex->key = key;
	HASH_ADD(hh, futexes->futexes, key, sizeof(futex->key), futex);
	return futex;
}

/* @last: of the same thread, from one call to the next. 0 or -ENOMEM. */
static int note_process(struct futex_locks *futexes, int32_t tgid, bool glibc,
			struct process **last)
{
	struct process *process = *last;

	if (!process || process->tgid != tgid)
		HASH_FIND_INT(futexes->processes, &tgid, process);
	if (!process) {
		process = calloc(1, sizeof(*process));
		if (!process)
			return -ENOMEM;
		process->tgid = tgid;
		HASH_ADD_INT(futexes->processes, tgid, process);
	}
	*last = process;
	process->glibc = process->glibc || glibc;
	return 0;
}

/* @thread waited at @futex, or woke one there. *@last: of the same thread, from one call to the next. 0 or -ENOMEM. */
static int note_pair(struct futex_locks *futexes, struct futex *futex, const struct thread *thread,
		     bool woke, struct pair **last)
{
	const struct pair_key key = { futex, thread->index };
	struct pair *pair = *last;
	bool member;

	if (!pair || pair->key.futex != futex)
		HASH_FIND(hh, futexes->pairs, &key, sizeof(key), pair);
	if (!pair) {
		pair = calloc(1, sizeof(*pair));
		if (!pair)
			return -ENOMEM;
		pair->key = key;
		HASH_ADD(hh, futexes->pairs, key, sizeof(pair->key), pair);
	}
	*last = pair;
	member = pair->waited && pair->woke;
	futex->waiters += !woke && !pair->waited;
	pair->waited = pair->waited || !woke;
	pair->woke = pair->woke || woke;
	futex->members += pair->waited && pair->woke && !member;
	return 0;
}

/* glibc's condition variables use the two halves of 8 bytes in turn. */
static uint64_t first_half_of(uint64_t address)
{
	return address & ~UINT64_C(7);
}

/* Sets @futex->first. NULL on lack of memory. */
static struct futex *get_first(struct futex_locks *futexes, struct futex *futex)
{
	if (!futex->first)
		futex->first = get_futex(futexes, (int32_t)futex->key.tgid,
					 first_half_of(futex->key.address));
	return futex->first;
}

/* Not inlined: a switch saves fewer registers. */
static __attribute__((noinline)) int note_wait(struct futex_locks *futexes,
					       const struct event *event,
					       const struct futex_wait *wait)
{
	struct pending *pending = per_thread_get(&futexes->pendings, event->thread);
	int32_t owner = futex_owner(wait);
	struct futex *futex;

	if (!pending)
		return -ENOMEM;
	futex = pending->last;
	if (!futex || futex->key.address != wait->address || futex->key.tgid != event->thread->tgid)
		futex = get_futex(futexes, event->thread->tgid, wait->address);
	if (!futex || !get_first(futexes, futex))
		return -ENOMEM;
	pending->futex = pending->last = futex;
	pending->asleep = event->raw.kind == FT_EVENT_STATE;
	futex->looks |= futex_value_looks(wait);
	futex->shared |= futex_shared(wait);
	if (owner)
		futex->owner = owner;
	if (note_pair(futexes, futex, event->thread, false, &pending->last_pair) ||
	    futex_handoff_wait(&futex->first->handoff, &futexes->handoff_waiters, event->thread,
			       event->raw.time_ns, pending->asleep))
		return -ENOMEM;
	/* musl never uses FUTEX_WAIT_BITSET. Its condition variables wait at 2 too, but each thread at an
	 * address of its own. */
	return note_process(futexes, event->thread->tgid,
			    futex_value_bitset(wait) ||
				    (futex->looks == LOOKS_TWO && futex->waiters > 1),
			    &pending->process);
}

/* A thread that blocks elsewhere has returned from its futex wait. */
static int note_switch(struct futex_locks *futexes, const struct event *event)
{
	struct pending *pending = per_thread_find(&futexes->pendings, event->thread);
	const struct stack_info *fact;
	bool elsewhere;

	if (!pending || event->raw.switch_.prev_state == FT_STATE_RUNNING ||
	    event->raw.switch_.prev_state == FT_STATE_PREEMPTED)
		return 0;
	fact = stack_infos_get(futexes->stack_infos, event->stack_id);
	if (!fact)
		return -ENOMEM;
	elsewhere = event->stack_id != STACK_NONE && fact->sleeping.class != WAIT_LOCK_FUTEX;
	pending->asleep = pending->futex && !elsewhere;
	if (!elsewhere)
		return 0;
	pending->futex = NULL;
	return futex_handoff_left(&futexes->handoff_waiters, event->thread, event->raw.time_ns);
}

/* Timeouts and signals wake, too: the waker's stack tells, where there is one. */
static int note_waking(struct futex_locks *futexes, const struct event *event)
{
	struct pending *pending = per_thread_find(&futexes->pendings, event->other);
	const struct stack_info *fact;
	struct futex *futex;

	if (!pending || !pending->futex || !pending->asleep)
		return 0;
	futex = pending->futex;
	pending->futex = NULL;
	if (event->raw.waking.in_interrupt || event->thread->idle_task)
		return 0;
	fact = stack_infos_get(futexes->stack_infos, event->stack_id);
	if (!fact)
		return -ENOMEM;
	if (event->stack_id != STACK_NONE && fact->releases != WAIT_LOCK_FUTEX)
		return futex_handoff_left(&futexes->handoff_waiters, event->other,
					  event->raw.time_ns);
	if (futex_handoff_woken(&futex->first->handoff, &futexes->handoff_waiters, event))
		return -ENOMEM;
	futex->wakes++;
	futex->broadcasts +=
		futex->waker == event->thread && event->raw.time_ns - futex->wake_ns < BROADCAST_NS;
	futex->waker = event->thread;
	futex->wake_ns = event->raw.time_ns;
	pending = per_thread_get(&futexes->pendings, event->thread);
	return pending ? note_pair(futexes, futex, event->thread, true, &pending->last_pair)
		       : -ENOMEM;
}

struct proc_locks *futex_locks_proc_locks(const struct futex_locks *futexes)
{
	return futexes->proc_locks;
}

int futex_locks_event(struct futex_locks *futexes, const struct event *event)
{
	struct futex_wait wait;

	switch (event->raw.kind) {
	case FT_EVENT_NOTE:
		return proc_locks_event(futexes->proc_locks, event);
	case FT_EVENT_SWITCH:
		return note_switch(futexes, event);
	case FT_EVENT_WAKING:
		return note_waking(futexes, event);
	default:
		return futex_locks_wait(futexes, event, &wait) ? note_wait(futexes, event, &wait)
							       : 0;
	}
}

static bool has_owner(const struct futex *futex, const struct threads *threads)
{
	const struct thread *owner = futex->owner ? threads_find(threads, futex->owner) : NULL;

	return owner && (futex->shared || owner->tgid == futex->key.tgid);
}

/*
 * A counter, such as that of a condition variable, passes through 2 as well. But then other values are seen,
 * or all waiters are woken at once, or the waker never waits there. What is not known to be a lock is none.
 */
static bool is_lock(const struct futex *futex, const struct threads *threads, bool glibc)
{
	bool several = futex->waiters > 1 || futex->members;

	if (futex->looks & LOOKS_PI)
		return true;
	if (futex->looks & (LOOKS_OTHER | LOOKS_ZERO))
		return false;
	/* A writer that releases lets all readers in at once. A writer that waits for readers waits at 2. */
	if (futex->looks & LOOKS_RWLOCK)
		return !(futex->looks & ~(LOOKS_RWLOCK | LOOKS_TWO_TOO | LOOKS_READ));
	if (futex->wakes > 1 && futex->broadcasts * 2 >= futex->wakes)
		return false;
	if (futex->looks & LOOKS_OWNED)
		return several || has_owner(futex, threads);
	if (futex->looks == LOOKS_MUSL)
		return true;
	if (futex->looks == LOOKS_TWO)
		return several || glibc;
	return (futex->looks & (LOOKS_TWO | LOOKS_TWO_TOO)) && futex->members;
}

static void judge_handoff(struct futex *futex)
{
	struct handoff_stall still = futex_handoff_judge(&futex->handoff);

	if (futex->lock || still.kind == HANDOFF_NONE)
		return;
	/* A semaphore is waited for at 0 only; what has other values, or is in two halves, is none. */
	if (still.kind == HANDOFF_LOCK && futex->looks != LOOKS_ZERO)
		still.kind = HANDOFF_DOUBT;
	futex->still = still;
	futex->lock = still.kind == HANDOFF_LOCK;
}

bool futex_locks_judge(struct futex_locks *futexes, const struct threads *threads)
{
	struct process *process;
	struct futex *futex, *next;
	bool found = false;

	for (size_t i = 0; i < threads_count(threads); i++)
		futex_handoff_stays(&futexes->handoff_waiters, threads_at(threads, i));
	HASH_ITER(hh, futexes->futexes, futex, next)
	{
		int32_t tgid = (int32_t)futex->key.tgid;

		HASH_FIND_INT(futexes->processes, &tgid, process);
		futex->lock = is_lock(futex, threads, process && process->glibc);
		judge_handoff(futex);
		found = found || futex->lock;
	}
	free_evidence(futexes);
	return proc_locks_judge(futexes->proc_locks) || found;
}

static const struct futex *find_futex(const struct futex_locks *futexes, int32_t tgid,
				      uint64_t address)
{
	const struct futex_key key = make_key(tgid, address);
	struct futex *futex;

	HASH_FIND(hh, futexes->futexes, &key, sizeof(key), futex);
	return futex;
}

enum futex_judgement futex_locks_judgement(const struct futex_locks *futexes, int32_t tgid,
					   uint64_t address)
{
	const struct futex *futex = find_futex(futexes, tgid, address);

	if (!futex || !futex->lock)
		return FUTEX_NO_LOCK;
	/* Of readers the last one lets a writer in: it need not have been there all the time. A mutex is also waited for
	 * without a clock. */
	if (futex->looks & LOOKS_READ && !(futex->looks & LOOKS_TWO))
		return FUTEX_GUESSED;
	return futex->still.kind == HANDOFF_LOCK ? FUTEX_GUESSED : FUTEX_LOCK;
}

bool futex_locks_may_be_lock(const struct futex_locks *futexes, int32_t tgid, uint64_t address)
{
	const struct futex *futex = find_futex(futexes, tgid, address);

	return futex && !futex->lock && !futex->wakes && !(futex->looks & ~(LOOKS_TWO | LOOKS_TWO_TOO));
}

bool futex_locks_doubt(const struct futex_locks *futexes,
		       bool (*counts)(void *context, const struct thread *thread), void *context,
		       struct futex_doubt *ret_doubt)
{
	struct futex *futex, *next;
	uint64_t longest_ns = 0;

	HASH_ITER(hh, futexes->futexes, futex, next)
	{
		const struct handoff_wait *stood = &futex->still.longest;

		if ((futex->still.kind != HANDOFF_DOUBT && futex->still.kind != HANDOFF_TIMED) ||
		    stood->end_ns - stood->start_ns <= longest_ns ||
		    !counts(context, stood->thread))
			continue;
		longest_ns = stood->end_ns - stood->start_ns;
		*ret_doubt = (struct futex_doubt){ futex->key.address, futex->still,
						   futex->handoff.waits };
	}
	return longest_ns;
}

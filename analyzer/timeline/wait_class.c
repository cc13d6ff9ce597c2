/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/timeline/wait_class.h"

#include <stdio.h>
#include <string.h>

#include "analyzer/timeline/wait_rule_index_private.h"
#include "analyzer/timeline/wait_rules.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static bool fits_caller(const struct seen_stack *stack, size_t at, size_t row)
{
	for (size_t i = at + 1; i < stack->count; i++) {
		if (rule_index_has_role(&stack->frames[i], ROLE_CALLER, row))
			return true;
		if (!rule_index_has_role(&stack->frames[i], ROLE_ANY, row))
			return false;
	}
	return false;
}

static bool is_under(const struct seen_stack *stack, size_t at, size_t row)
{
	for (size_t i = at + 1; i < stack->count; i++) {
		if (rule_index_has_role(&stack->frames[i], ROLE_UNDER, row))
			return true;
	}
	return false;
}

static bool fits_row(const struct seen_stack *stack, size_t at, size_t row)
{
	const struct wait_rule *rule = &wait_rules[row];

	if (rule->within != 0 && stack->frames[at].position > rule->within)
		return false;
	if (rule->caller != NULL && !fits_caller(stack, at, row))
		return false;
	return rule->under == NULL || is_under(stack, at, row);
}

static size_t find_better_row(const struct seen_stack *stack, size_t at, uint16_t name,
			      bool runnable, size_t best)
{
	uint16_t use = 0, row;

	while (rule_index_next_rule(name, &use, &row))
		if (row < best && (!runnable || wait_rules[row].yields) && fits_row(stack, at, row))
			best = row;
	return best;
}

/* Return: a row of wait_rules, or wait_rules_count. */
static size_t find_best_row(const struct seen_stack *stack, bool runnable, size_t *ret_at)
{
	size_t best = wait_rules_count;

	for (size_t i = 0; i < stack->count; i++) {
		size_t row = find_better_row(stack, i, stack->frames[i].exact, runnable, best);

		row = find_better_row(stack, i, stack->frames[i].family, runnable, row);
		if (row < best) {
			best = row;
			*ret_at = i;
		}
	}
	return best;
}

static enum lock_mode find_mode(const struct seen_stack *stack, size_t at)
{
	for (; at < stack->count; at++) {
		if (rule_index_has_role(&stack->frames[at], ROLE_READ, 0))
			return LOCK_MODE_READ;
		if (rule_index_has_role(&stack->frames[at], ROLE_WRITE, 0))
			return LOCK_MODE_WRITE;
	}
	return LOCK_MODE_NONE;
}

static bool has_mode(enum wait_class class)
{
	return class == WAIT_LOCK_MMAP || class == WAIT_LOCK_RWSEM || class == WAIT_LOCK_INODE ||
	       class == WAIT_LOCK_PERCPU;
}

static bool is_runnable(enum ft_task_state state)
{
	return state == FT_STATE_RUNNING || state == FT_STATE_PREEMPTED;
}

static bool has_symbol(const struct frame *frames, size_t count, const char *symbol)
{
	for (size_t i = 0; i < count; i++) {
		if (frames[i].kernel && frames[i].symbol != NULL &&
		    strcmp(frames[i].symbol, symbol) == 0)
			return true;
	}
	return false;
}

const struct wait_rule *wait_rule_of(const struct frame *frames, size_t count,
				     enum ft_task_state state)
{
	struct seen_stack stack;
	size_t at, row;

	rule_index_see(frames, count, &stack);
	row = find_best_row(&stack, is_runnable(state), &at);
	return row < wait_rules_count ? &wait_rules[row] : NULL;
}

/*
 * A wait of no row. Who sleeps uninterruptibly needs what he waits for soon; an interruptible
 * sleep in a driver may be anything, and so may a kernel thread's.
 */
static struct wait_reason describe_unmatched(const struct frame *frames, size_t count,
					     enum ft_task_state state)
{
	if (has_symbol(frames, count, "kthread"))
		return (struct wait_reason){ .class = WAIT_UNKNOWN, .detail = "kernel thread" };
	if (state == FT_STATE_DISK)
		return (struct wait_reason){ .class = WAIT_OTHER };
	return (struct wait_reason){ .class = WAIT_UNKNOWN, .detail = "not recognised" };
}

/*
 * /proc/PID/stack leaves out the scheduler and, with it, the slow paths of sleeping locks: the leaf
 * is then the function that asked for the lock. The first row that has it as a caller.
 */
static size_t find_row_of_leaf_caller(const struct seen_stack *stack)
{
	for (size_t row = 0; stack->count && row < wait_rules_count; row++)
		if (wait_rules[row].caller &&
		    rule_index_has_role(&stack->frames[0], ROLE_CALLER, row))
			return row;
	return wait_rules_count;
}

/* What is true of all waits of a class, unless a rule says otherwise. */
static const struct class_row {
	const char *name;
	enum wait_direction direction;
	bool lock; /* not lock.spin: its waiter never sleeps, so nobody wakes it */
	bool wakers; /* see wait_class_is_wakers() */
	enum wait_source source;
	struct wait_words words;
} class_rows[WAIT_CLASSES] = {
	[WAIT_UNKNOWN] = { .name = "unknown", .direction = DIRECTION_TAKES, .wakers = true },
	[WAIT_LOCK_MMAP] = { .name = "lock.mmap", .direction = DIRECTION_NEEDS, .lock = true },
	[WAIT_LOCK_RWSEM] = { .name = "lock.rwsem", .direction = DIRECTION_NEEDS, .lock = true },
	[WAIT_LOCK_MUTEX] = { .name = "lock.mutex", .direction = DIRECTION_NEEDS, .lock = true },
	/* A lock, or a worker's empty queue: the stack does not tell. */
	[WAIT_LOCK_FUTEX] = { .name = "lock.futex", .direction = DIRECTION_TAKES, .lock = true },
	[WAIT_LOCK_SPIN] = { .name = "lock.spin", .direction = DIRECTION_NEEDS },
	[WAIT_LOCK_PERCPU] = { .name = "lock.percpu", .direction = DIRECTION_NEEDS, .lock = true },
	[WAIT_LOCK_INODE] = { .name = "lock.inode", .direction = DIRECTION_NEEDS, .lock = true },
	[WAIT_LOCK_FILE] = { .name = "lock.file", .direction = DIRECTION_NEEDS, .lock = true },
	[WAIT_LOCK_USER] = { .name = "lock.user", .direction = DIRECTION_NEEDS, .lock = true },
	[WAIT_IO_BLOCK] = { .name = "io.block", .direction = DIRECTION_NEEDS, .source = SOURCE_DEVICE,
			    .words = { "a block device", NULL,
				       "Look at the device behind the files in use: its queue and "
				       "latency (iostat -x), its errors (dmesg), and who else "
				       "writes to it." } },
	[WAIT_IO_PAGECACHE] = { .name = "io.pagecache", .direction = DIRECTION_NEEDS, .source = SOURCE_DEVICE,
				.words = { "pages of a file", NULL,
					   "Look at the device behind the file (iostat -x), and "
					   "whether the file's pages are thrown out for want of "
					   "memory." } },
	[WAIT_IO_SWAP] = { .name = "io.swap", .direction = DIRECTION_NEEDS, .source = SOURCE_DEVICE,
			   .words = { "pages from swap", NULL,
				      "The host is short of memory: give it more, or the "
				      "processes less." } },
	[WAIT_IO_WRITEBACK] = { .name = "io.writeback", .direction = DIRECTION_NEEDS, .source = SOURCE_DEVICE,
				.words = { "writes to reach the disk", NULL,
					   "Look at the device (iostat -x); write less at once, "
					   "or sync outside the serving threads." } },
	[WAIT_IO_JOURNAL] = { .name = "io.journal", .direction = DIRECTION_NEEDS, .wakers = true, .source = SOURCE_DEVICE,
			      .words = { "the file system's journal", NULL,
					 "Look at the device that holds the journal (iostat -x) "
					 "and at who syncs most." } },
	[WAIT_IO_NETWORK_FS] = { .name = "io.network-fs", .direction = DIRECTION_ASKS, .source = SOURCE_DEVICE,
				 .words = { "a network file system", NULL,
					    "Look at the file server and at the network to it "
					    "(nfsstat, mountstats)." } },
	[WAIT_IO_FUSE] = { .name = "io.fuse", .direction = DIRECTION_ASKS, .wakers = true, .source = SOURCE_DEVICE,
			   .words = { "a FUSE file system", "the process that serves the file system",
				      "Look at the process that serves the file system: it "
				      "answers late." } },
	[WAIT_MEM_MEMCG_RECLAIM] = { .name = "mem.memcg-reclaim", .direction = DIRECTION_NEEDS, .source = SOURCE_MEMORY,
				     .words = { "memory within its control group's limit", NULL,
						"Raise the memory limit, or lower what is used; "
						"memory.events and memory.stat of the group show "
						"how it runs into the limit." } },
	[WAIT_MEM_DIRECT_RECLAIM] = { .name = "mem.direct-reclaim", .direction = DIRECTION_NEEDS, .source = SOURCE_MEMORY,
				      .words = { "free memory", NULL,
						 "The host is short of memory: give it more, or "
						 "the processes less." } },
	[WAIT_MEM_COMPACTION] = { .name = "mem.compaction", .direction = DIRECTION_NEEDS, .source = SOURCE_MEMORY,
				  .words = { "memory in one piece", NULL,
					     "Memory is fragmented: consider transparent huge "
					     "pages set to madvise." } },
	[WAIT_MEM_MEMORY_HIGH] = { .name = "mem.memory-high", .direction = DIRECTION_NEEDS, .source = SOURCE_MEMORY,
				   .words = { "memory above memory.high", NULL,
					      "Raise memory.high: above it every allocation is "
					      "slowed down on purpose." } },
	[WAIT_CPU_RUNQUEUE] = { .name = "cpu.runqueue", .direction = DIRECTION_NEEDS, .source = SOURCE_CPU },
	[WAIT_CPU_THROTTLED] = { .name = "cpu.throttled", .direction = DIRECTION_NEEDS, .source = SOURCE_QUOTA },
	[WAIT_NET_SOCKET] = { .name = "net.socket", .direction = DIRECTION_TAKES, .wakers = true, .source = SOURCE_OUTSIDE },
	[WAIT_IPC_PIPE] = { .name = "ipc.pipe", .direction = DIRECTION_TAKES, .wakers = true },
	[WAIT_IPC_SEMAPHORE] = { .name = "ipc.semaphore", .direction = DIRECTION_TAKES, .wakers = true },
	[WAIT_POLL] = { .name = "poll", .direction = DIRECTION_TAKES, .wakers = true, .source = SOURCE_OUTSIDE },
	[WAIT_SLEEP] = { .name = "sleep", .direction = DIRECTION_SLEEPS, .source = SOURCE_TIMER },
	[WAIT_CHILD] = { .name = "child", .direction = DIRECTION_TAKES, .wakers = true },
	[WAIT_SIGNAL] = { .name = "signal", .direction = DIRECTION_TAKES, .source = SOURCE_OUTSIDE },
	[WAIT_STOPPED] = { .name = "stopped", .direction = DIRECTION_PARKED, .source = SOURCE_STOP,
			   .words = { "was stopped", NULL,
				      "Find who stops it: a script that sends SIGSTOP, job control. kill "
				      "-CONT lets it go on." } },
	[WAIT_RCU] = { .name = "rcu", .direction = DIRECTION_NEEDS, .wakers = true },
	[WAIT_OTHER] = { .name = "other", .direction = DIRECTION_NEEDS, .wakers = true },
};

static const struct class_row *find_class_row(enum wait_class class)
{
	return &class_rows[(unsigned int)class < WAIT_CLASSES ? class : WAIT_UNKNOWN];
}

const char *wait_class_name(enum wait_class class)
{
	return find_class_row(class)->name;
}

enum wait_direction wait_class_direction(enum wait_class class)
{
	return find_class_row(class)->direction;
}

enum wait_source wait_class_source(enum wait_class class)
{
	return find_class_row(class)->source;
}

bool wait_class_is_wakers(enum wait_class class)
{
	return find_class_row(class)->wakers;
}

const struct wait_words *wait_class_words(enum wait_class class)
{
	const struct wait_words *words = &find_class_row(class)->words;

	return words->wanted ? words : NULL;
}

/*
 * A healthy host must produce no stall out of threads that wait for work: whoever takes others' data or an event, or
 * sleeps for a time, asked for just that.
 */
bool wait_direction_idle(enum wait_direction direction)
{
	return direction == DIRECTION_TAKES || direction == DIRECTION_SLEEPS;
}

bool wait_direction_answered(enum wait_direction direction)
{
	return direction == DIRECTION_GIVES || direction == DIRECTION_ASKS;
}

bool wait_class_cpu(enum wait_class class)
{
	return class == WAIT_CPU_RUNQUEUE || class == WAIT_CPU_THROTTLED;
}

bool wait_class_lock(enum wait_class class)
{
	return find_class_row(class)->lock;
}

static const struct wait_words traced_words = {
	"was stopped by a debugger or tracer", NULL,
	"Find who traces it (TracerPid in /proc/PID/status): a debugger, strace, a dump of its memory; it goes on "
	"when that detaches."
};

static struct wait_reason find_reason(const struct frame *frames, size_t count,
				      enum ft_task_state state)
{
	struct wait_reason reason = { .class = WAIT_UNKNOWN };
	const struct wait_rule *rule;
	struct seen_stack stack;
	size_t at = 0, row;
	bool hidden = false;

	switch (state) {
	case FT_STATE_STOPPED:
		return (struct wait_reason){ .class = WAIT_STOPPED };
	case FT_STATE_TRACED:
		return (struct wait_reason){ .class = WAIT_STOPPED,
					     .detail = "traced",
					     .words = &traced_words };
	case FT_STATE_DEAD:
		return (struct wait_reason){ .class = WAIT_UNKNOWN, .detail = "exited" };
	default:
		break;
	}
	rule_index_see(frames, count, &stack);
	row = find_best_row(&stack, is_runnable(state), &at);
	if (row == wait_rules_count && state == FT_STATE_DISK) {
		row = find_row_of_leaf_caller(&stack);
		hidden = true;
	}
	if (row == wait_rules_count) {
		if (is_runnable(state))
			reason.class = WAIT_CPU_RUNQUEUE;
		else if (stack.count != 0)
			reason = describe_unmatched(frames, count, state);
		else if (count == 0 &&
			 state == FT_STATE_DISK) /* nobody asks to be kept like that */
			reason = (struct wait_reason){ .class = WAIT_OTHER, .detail = "no stack" };
		return reason;
	}
	rule = &wait_rules[row];
	reason = (struct wait_reason){
		.class = rule->class,
		.direction = rule->direction,
		.detail = rule->detail,
		.remote_mm = rule->remote_mm,
		.sliced = rule->sliced,
		.words = rule->words,
	};
	if (has_mode(rule->class) && !hidden)
		reason.mode = find_mode(&stack, at);
	return reason;
}

struct wait_reason wait_reason_of(const struct frame *frames, size_t count,
				  enum ft_task_state state)
{
	struct wait_reason reason = find_reason(frames, count, state);

	if (!reason.direction) /* no row said it */
		reason.direction = wait_class_direction(reason.class);
	if (!reason.words)
		reason.words = wait_class_words(reason.class);
	return reason;
}

static bool releases_lock(const struct seen_stack *stack, size_t row)
{
	for (size_t i = 0; i < stack->count; i++) {
		const struct seen_frame *frame = &stack->frames[i];

		if (rule_index_has_role(frame, ROLE_ACQUIRE, row) ||
		    rule_index_has_role(frame, ROLE_INTERRUPT, 0))
			return false;
		if (rule_index_has_role(frame, ROLE_RELEASE, row))
			return true;
	}
	return false;
}

enum wait_class wait_releases(const struct frame *frames, size_t count)
{
	struct seen_stack stack;

	rule_index_see(frames, count, &stack);
	for (size_t row = 0; row < release_rules_count; row++) {
		if (releases_lock(&stack, row))
			return release_rules[row].family;
	}
	return WAIT_UNKNOWN;
}

static bool is_one_of(const char *symbol, const char *const *names)
{
	while (*names != NULL && strcmp(*names, symbol) != 0)
		names++;
	return *names != NULL;
}

/*
 * irq_exit() has other names for it, and an interrupt's entry behind them. Stacks of 16 frames may
 * end before either: process_backlog() handles what the loopback device was given, on the CPU that
 * sent it and at once.
 */
bool wait_own_softirq(const struct frame *frames, size_t count)
{
	static const char *const entries[] = { "__local_bh_enable_ip", "do_softirq",
					       "process_backlog", NULL };
	struct seen_stack stack;
	bool own = false;

	rule_index_see(frames, count, &stack);
	for (size_t i = 0; i < stack.count; i++)
		if (rule_index_has_role(&stack.frames[i], ROLE_INTERRUPT, 0))
			return false;
	for (size_t i = 0; i < count && !own; i++)
		own = frames[i].kernel && frames[i].symbol && is_one_of(frames[i].symbol, entries);
	return own;
}

/* Names of system calls that nobody types. */
static const char *find_familiar_name(const char *syscall)
{
	static const char *const names[][2] = {
		{ "exit_group", "exit" },   { "mmap_pgoff", "mmap" },
		{ "pread64", "pread" },	    { "pwrite64", "pwrite" },
		{ "newstat", "stat" },	    { "newfstat", "fstat" },
		{ "newlstat", "lstat" },    { "newfstatat", "fstatat" },
		{ "newuname", "uname" },    { "fadvise64_64", "fadvise" },
		{ "fadvise64", "fadvise" }, { "sendfile64", "sendfile" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i][0], syscall) == 0)
			return names[i][1];
	}
	return NULL;
}

static const char *find_operation(const struct frame *frames, size_t at)
{
	for (size_t row = 0; row < operation_rules_count; row++) {
		const struct operation_rule *rule = &operation_rules[row];

		if (strcmp(rule->function, frames[at].symbol) == 0 &&
		    (rule->also == NULL || has_symbol(frames, at, rule->also)))
			return rule->operation;
	}
	return NULL;
}

/* From the root: outermost is what the thread asked for, a page fault further in was on the way. */
const char *wait_operation(const struct frame *frames, size_t count, char *buffer,
			   size_t buffer_bytes)
{
	const bool kthread = has_symbol(frames, count, "kthread");

	for (size_t i = count; i-- > 0;) {
		const char *symbol = frames[i].symbol, *name;

		if (!frames[i].kernel || symbol == NULL)
			continue;
		name = find_operation(frames, i);
		if (name != NULL)
			return name;
		if (kthread) {
			if (is_one_of(symbol, wait_kthread_roots))
				continue;
			name = symbol;
		} else {
			name = rule_index_skip_prefix(symbol);
			if (name == NULL && strncmp(symbol, "__sys_", 6) == 0)
				name = symbol + 6; /* __sys_sendto */
			if (name == NULL)
				continue;
			if (find_familiar_name(name) != NULL)
				return find_familiar_name(name);
		}
		if (buffer_bytes == 0)
			return "";
		snprintf(buffer, buffer_bytes, "%s", name);
		return buffer;
	}
	return "";
}

bool wait_holds_mmap(const struct frame *frames, size_t count)
{
	struct seen_stack stack;
	bool section = false;
	size_t at, row;

	rule_index_see(frames, count, &stack);
	for (size_t i = 0; i < stack.count; i++) {
		if (rule_index_has_role(&stack.frames[i], ROLE_FOREIGN_MMAP, 0))
			return false;
		section = section || rule_index_has_role(&stack.frames[i], ROLE_MMAP, 0);
	}
	row = find_best_row(&stack, false, &at);
	return section && (row == wait_rules_count || wait_rules[row].class != WAIT_LOCK_MMAP);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of the tables are put into one index when first needed, so that a
 * stack is held against all rows at the price of two look-ups a frame.
 */
#include "analyzer/timeline/wait_class.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/timeline/wait_rules.h"

#define NAMES_MAX 2048
#define USES_MAX  4096
#define BUCKETS	  4096 /* power of two */
#define NO_NAME	  0 /* ids of names and uses begin at 1 */

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

enum role {
	ROLE_ANY,
	ROLE_CALLER,
	ROLE_UNDER, /* of row number use.row of wait_rules */
	ROLE_RELEASE,
	ROLE_ACQUIRE, /* of row number use.row of release_rules */
	ROLE_PLUMBING,
	ROLE_READ,
	ROLE_WRITE,
	ROLE_INTERRUPT,
	ROLE_MMAP,
	ROLE_FOREIGN_MMAP
};

/* One place in the tables where a name is. */
struct use {
	enum role role;
	uint16_t row;
	uint16_t next;
};

struct name {
	const char *text; /* without a system call's prefix, without '*' */
	size_t bytes;
	bool syscall;
	uint16_t uses;
	uint16_t next; /* in the bucket, or among the families of a first character */
};

static struct {
	bool built;
	size_t names_count, uses_count;
	struct name names[NAMES_MAX];
	struct use uses[USES_MAX];
	uint16_t buckets[BUCKETS];
	uint16_t families[256]; /* names that end in '*', by their first character */
} index_;

/* What the tables know of a frame. */
struct seen_frame {
	uint16_t exact, family; /* names, or NO_NAME */
	uint16_t position; /* frames from the leaf, plumbing left out; 1 is the first */
};

struct seen_stack {
	size_t count;
	struct seen_frame frames[FT_STACK_FRAMES_MAX];
};

/* Longer prefixes before those they contain. */
static const char *const syscall_prefixes[] = {
	"__x64_sys_",
	"__ia32_compat_sys_",
	"__ia32_sys_",
	"__arm64_compat_sys_",
	"__arm64_sys_",
	"__riscv_sys_",
	"__s390x_sys_",
	"__se_compat_sys_",
	"__do_compat_sys_",
	"__se_sys_",
	"__do_sys_",
	"compat_sys_",
	"ksys_",
	"SyS_",
	"sys_",
};

/* What follows the prefix of a system call's wrapper; NULL: @symbol is none. */
static const char *skip_syscall_prefix(const char *symbol)
{
	const char first = symbol[0];

	if (first != '_' && first != 'k' && first != 's' && first != 'S' && first != 'c')
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(syscall_prefixes); i++) {
		const size_t bytes = strlen(syscall_prefixes[i]);

		if (strncmp(symbol, syscall_prefixes[i], bytes) == 0 && symbol[bytes] != '\0')
			return symbol + bytes;
	}
	return NULL;
}

static const char *strip_syscall(const char *symbol, bool *ret_syscall)
{
	const char *rest = skip_syscall_prefix(symbol);

	*ret_syscall = rest != NULL;
	return rest != NULL ? rest : symbol;
}

static uint32_t hash_text(const char *text, bool syscall)
{
	uint32_t hash = syscall ? 2166136261u : 84696351u; /* FNV-1a */

	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619u;
	return hash ^ hash >> 15;
}

static uint16_t find_exact(const char *text, bool syscall)
{
	uint16_t id = index_.buckets[hash_text(text, syscall) % BUCKETS];

	while (id != NO_NAME &&
	       (index_.names[id].syscall != syscall || strcmp(index_.names[id].text, text) != 0))
		id = index_.names[id].next;
	return id;
}

static uint16_t find_family(const char *symbol)
{
	uint16_t id = index_.families[(unsigned char)symbol[0]];

	while (id != NO_NAME && strncmp(index_.names[id].text, symbol, index_.names[id].bytes) != 0)
		id = index_.names[id].next;
	return id;
}

static uint16_t add_name(const char *text, size_t bytes, bool syscall, uint16_t *list)
{
	const uint16_t id = (uint16_t)++index_.names_count;

	assert(index_.names_count < NAMES_MAX);
	index_.names[id] = (struct name){
		.text = text,
		.bytes = bytes,
		.syscall = syscall,
		.next = *list,
	};
	*list = id;
	return id;
}

static uint16_t intern_name(const char *name)
{
	const size_t bytes = strlen(name);
	const char *text;
	bool syscall;
	uint16_t id;

	if (name[bytes - 1] == '*') {
		/* The name itself is compared, not what a family finds: no two may overlap. */
		id = index_.families[(unsigned char)name[0]];
		while (id != NO_NAME && strcmp(index_.names[id].text, name) != 0)
			id = index_.names[id].next;
		return id != NO_NAME ? id
				     : add_name(name, bytes - 1, false,
						&index_.families[(unsigned char)name[0]]);
	}
	text = strip_syscall(name, &syscall);
	id = find_exact(text, syscall);
	return id != NO_NAME ? id
			     : add_name(text, strlen(text), syscall,
					&index_.buckets[hash_text(text, syscall) % BUCKETS]);
}

static void add_uses(const char *const *names, enum role role, size_t row)
{
	for (; names != NULL && *names != NULL; names++) {
		struct name *name = &index_.names[intern_name(*names)];
		const uint16_t id = (uint16_t)++index_.uses_count;

		assert(index_.uses_count < USES_MAX);
		index_.uses[id] = (struct use){
			.role = role,
			.row = (uint16_t)row,
			.next = name->uses,
		};
		name->uses = id;
	}
}

static void build_index(void)
{
	if (index_.built)
		return;
	for (size_t i = 0; i < wait_rules_count; i++) {
		add_uses(wait_rules[i].any, ROLE_ANY, i);
		add_uses(wait_rules[i].caller, ROLE_CALLER, i);
		add_uses(wait_rules[i].under, ROLE_UNDER, i);
	}
	for (size_t i = 0; i < release_rules_count; i++) {
		add_uses(release_rules[i].release, ROLE_RELEASE, i);
		add_uses(release_rules[i].acquire, ROLE_ACQUIRE, i);
	}
	add_uses(wait_plumbing, ROLE_PLUMBING, 0);
	add_uses(wait_for_reading, ROLE_READ, 0);
	add_uses(wait_for_writing, ROLE_WRITE, 0);
	add_uses(wait_interrupt_entries, ROLE_INTERRUPT, 0);
	add_uses(wait_mmap_sections, ROLE_MMAP, 0);
	add_uses(wait_foreign_mmap_sections, ROLE_FOREIGN_MMAP, 0);
	index_.built = true;
}

static bool name_has_role(uint16_t name, enum role role, size_t row)
{
	for (uint16_t id = index_.names[name].uses; id != 0; id = index_.uses[id].next) {
		if (index_.uses[id].role == role && index_.uses[id].row == row)
			return true;
	}
	return false;
}

static bool has_role(const struct seen_frame *frame, enum role role, size_t row)
{
	return name_has_role(frame->exact, role, row) || name_has_role(frame->family, role, row);
}

/* The named kernel frames of a stack, as the tables see them. */
static void see_stack(const struct frame *frames, size_t count, struct seen_stack *ret_stack)
{
	uint16_t position = 0;

	build_index();
	ret_stack->count = 0;
	for (size_t i = 0; i < count && ret_stack->count < ARRAY_SIZE(ret_stack->frames); i++) {
		struct seen_frame *frame = &ret_stack->frames[ret_stack->count];
		const char *text;
		bool syscall;

		if (!frames[i].kernel || frames[i].symbol == NULL)
			continue;
		text = strip_syscall(frames[i].symbol, &syscall);
		frame->exact = find_exact(text, syscall);
		frame->family = find_family(frames[i].symbol);
		if (!has_role(frame, ROLE_PLUMBING, 0))
			position++;
		frame->position = position;
		ret_stack->count++;
	}
}

static bool fits_caller(const struct seen_stack *stack, size_t at, size_t row)
{
	for (size_t i = at + 1; i < stack->count; i++) {
		if (has_role(&stack->frames[i], ROLE_CALLER, row))
			return true;
		if (!has_role(&stack->frames[i], ROLE_ANY, row))
			return false;
	}
	return false;
}

static bool is_under(const struct seen_stack *stack, size_t at, size_t row)
{
	for (size_t i = at + 1; i < stack->count; i++) {
		if (has_role(&stack->frames[i], ROLE_UNDER, row))
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

static size_t find_better_row(const struct seen_stack *stack, size_t at, uint16_t name, bool runnable,
			 size_t best)
{
	for (uint16_t id = index_.names[name].uses; id != 0; id = index_.uses[id].next) {
		const struct use *use = &index_.uses[id];

		if (use->role == ROLE_ANY && use->row < best &&
		    (!runnable || wait_rules[use->row].yields) && fits_row(stack, at, use->row))
			best = use->row;
	}
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
		if (has_role(&stack->frames[at], ROLE_READ, 0))
			return LOCK_MODE_READ;
		if (has_role(&stack->frames[at], ROLE_WRITE, 0))
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

	see_stack(frames, count, &stack);
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
 * /proc/PID/stack leaves out the scheduler and, with it, the slow paths of sleeping locks: the leaf is then the
 * function that asked for the lock. The first row that has it as a caller.
 */
static size_t find_row_of_leaf_caller(const struct seen_stack *stack)
{
	for (size_t row = 0; stack->count && row < wait_rules_count; row++)
		if (wait_rules[row].caller && has_role(&stack->frames[0], ROLE_CALLER, row))
			return row;
	return wait_rules_count;
}

struct wait_reason wait_reason_of(const struct frame *frames, size_t count,
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
		return (struct wait_reason){ .class = WAIT_STOPPED, .detail = "traced" };
	case FT_STATE_DEAD:
		return (struct wait_reason){ .class = WAIT_UNKNOWN, .detail = "exited" };
	default:
		break;
	}
	see_stack(frames, count, &stack);
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
		else if (count == 0 && state == FT_STATE_DISK) /* nobody asks to be kept like that */
			reason = (struct wait_reason){ .class = WAIT_OTHER, .detail = "no stack" };
		return reason;
	}
	rule = &wait_rules[row];
	reason.class = rule->class;
	reason.detail = rule->detail;
	reason.remote_mm = rule->remote_mm;
	if (has_mode(rule->class) && !hidden)
		reason.mode = find_mode(&stack, at);
	return reason;
}

const char *wait_class_name(enum wait_class class)
{
	static const char *const names[WAIT_CLASSES] = {
		[WAIT_UNKNOWN] = "unknown",
		[WAIT_LOCK_MMAP] = "lock.mmap",
		[WAIT_LOCK_RWSEM] = "lock.rwsem",
		[WAIT_LOCK_MUTEX] = "lock.mutex",
		[WAIT_LOCK_FUTEX] = "lock.futex",
		[WAIT_LOCK_SPIN] = "lock.spin",
		[WAIT_LOCK_PERCPU] = "lock.percpu",
		[WAIT_LOCK_INODE] = "lock.inode",
		[WAIT_LOCK_FILE] = "lock.file",
		[WAIT_LOCK_USER] = "lock.user",
		[WAIT_IO_BLOCK] = "io.block",
		[WAIT_IO_PAGECACHE] = "io.pagecache",
		[WAIT_IO_SWAP] = "io.swap",
		[WAIT_IO_WRITEBACK] = "io.writeback",
		[WAIT_IO_JOURNAL] = "io.journal",
		[WAIT_IO_NETWORK_FS] = "io.network-fs",
		[WAIT_IO_FUSE] = "io.fuse",
		[WAIT_MEM_MEMCG_RECLAIM] = "mem.memcg-reclaim",
		[WAIT_MEM_DIRECT_RECLAIM] = "mem.direct-reclaim",
		[WAIT_MEM_COMPACTION] = "mem.compaction",
		[WAIT_MEM_MEMORY_HIGH] = "mem.memory-high",
		[WAIT_CPU_RUNQUEUE] = "cpu.runqueue",
		[WAIT_CPU_THROTTLED] = "cpu.throttled",
		[WAIT_NET_SOCKET] = "net.socket",
		[WAIT_IPC_PIPE] = "ipc.pipe",
		[WAIT_POLL] = "poll",
		[WAIT_SLEEP] = "sleep",
		[WAIT_CHILD] = "child",
		[WAIT_SIGNAL] = "signal",
		[WAIT_STOPPED] = "stopped",
		[WAIT_RCU] = "rcu",
		[WAIT_OTHER] = "other",
	};

	return (unsigned int)class < WAIT_CLASSES ? names[class] : names[WAIT_UNKNOWN];
}

/*
 * A healthy host must produce no stall out of threads that wait for work: whoever waits for
 * another's data, an event, a time, a child or a signal asked for just that. A futex may be a lock
 * or a worker's empty queue, and its waiter's stack does not tell: where something else does, it is lock.user. Nor can "unknown" be said to
 * hurt. "other" is not idle: only uninterruptible sleeps and named troubles get it.
 */
bool wait_class_idle(enum wait_class class)
{
	switch (class) {
	case WAIT_POLL:
	case WAIT_SLEEP:
	case WAIT_CHILD:
	case WAIT_SIGNAL:
	case WAIT_IPC_PIPE:
	case WAIT_NET_SOCKET:
	case WAIT_LOCK_FUTEX:
	case WAIT_UNKNOWN:
		return true;
	default:
		return false;
	}
}

/* Not lock.spin: its waiter never sleeps, so nobody wakes it. */
bool wait_class_lock(enum wait_class class)
{
	switch (class) {
	case WAIT_LOCK_MMAP:
	case WAIT_LOCK_RWSEM:
	case WAIT_LOCK_MUTEX:
	case WAIT_LOCK_FUTEX:
	case WAIT_LOCK_PERCPU:
	case WAIT_LOCK_INODE:
	case WAIT_LOCK_FILE:
	case WAIT_LOCK_USER:
		return true;
	default:
		return false;
	}
}

static bool releases_lock(const struct seen_stack *stack, size_t row)
{
	for (size_t i = 0; i < stack->count; i++) {
		const struct seen_frame *frame = &stack->frames[i];

		if (has_role(frame, ROLE_ACQUIRE, row) || has_role(frame, ROLE_INTERRUPT, 0))
			return false;
		if (has_role(frame, ROLE_RELEASE, row))
			return true;
	}
	return false;
}

enum wait_class wait_releases(const struct frame *frames, size_t count)
{
	struct seen_stack stack;

	see_stack(frames, count, &stack);
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
 * irq_exit() has other names for it, and an interrupt's entry behind them. Stacks of 16 frames may end before
 * either: process_backlog() handles what the loopback device was given, on the CPU that sent it and at once.
 */
bool wait_own_softirq(const struct frame *frames, size_t count)
{
	static const char *const entries[] = { "__local_bh_enable_ip", "do_softirq",
					       "process_backlog", NULL };
	struct seen_stack stack;
	bool own = false;

	see_stack(frames, count, &stack);
	for (size_t i = 0; i < stack.count; i++)
		if (has_role(&stack.frames[i], ROLE_INTERRUPT, 0))
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
			name = skip_syscall_prefix(symbol);
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

	see_stack(frames, count, &stack);
	for (size_t i = 0; i < stack.count; i++) {
		if (has_role(&stack.frames[i], ROLE_FOREIGN_MMAP, 0))
			return false;
		section = section || has_role(&stack.frames[i], ROLE_MMAP, 0);
	}
	row = find_best_row(&stack, false, &at);
	return section && (row == wait_rules_count || wait_rules[row].class != WAIT_LOCK_MMAP);
}

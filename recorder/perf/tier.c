/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/perf/tier.h"

/*
 * A call on an address range. It is rare, and its user stack names the caller. The last arguments
 * are its fields.
 */
#define LARGE_CALL(which, tracepoint, large, ...)                                                  \
	{ .role = ROLE_CALL, .call = which, .subsystem = "syscalls", .name = tracepoint,           \
	  .filter = large, .fields = { __VA_ARGS__ }, .stack_frames = 127, .user_stack = true,     \
	  .user_dump = true, .optional = true }

#define SWITCH_FRAMES 48
#define WAKING_FRAMES 16
#define ALL_MODES     ((1u << TIER_MODES) - 1)

#define SWITCH(which, passes, frames, one_of)                                                      \
	{ .role = ROLE_SWITCH, .modes = which, .subsystem = "sched", .name = "sched_switch",       \
	  .filter = passes,                                                                        \
	  .fields = { "prev_comm", "prev_pid", "prev_state", "next_comm", "next_pid" },            \
	  .period = one_of, .stack_frames = frames }

#define WAKING(which, frames, demand)                                                              \
	{ .role = ROLE_WAKING, .modes = which, .subsystem = "sched", .name = "sched_waking",       \
	  .fields = { "comm", "pid" }, .stack_frames = frames, .on_demand = demand }

/*
 * FUTEX_WAIT (0), _LOCK_PI (6), _WAIT_BITSET (9), _WAIT_REQUEUE_PI (11) and _LOCK_PI2 (13). The
 * filter tests bits because flags are added to the operation.
 */
#define FUTEX_WAITS "!(op & 15) || ((op & 8) && (op & 1)) || ((op & 4) && (op & 2) && !(op & 1))"

/*
 * Stacks cost more than all the rest. So sched_switch is opened several times, and a mode is a
 * choice among these events.
 *
 * MODE_FULL and MODE_BLOCK_STACKS take a stack where the task blocks or is preempted inside the
 * kernel: reclaim under mmap_lock shows as preemption. They take none where the task is preempted
 * in user space, or where the idle task, which is always running, leaves the CPU. A switch passes
 * the filter of exactly one of their two events.
 *
 * The other modes record every switch without a stack. MODE_SAMPLED and MODE_DEFERRED_STACKS add
 * the stacks of uninterruptible waits (bit 1) and of tasks that are preempted inside the kernel
 * (bit 8): locks of the kernel, memory, disks. These are rare, and freezes are made of them.
 * MODE_SAMPLED adds one of TIER_STACK_PERIOD interruptible waits (bit 0): they are many, and nearly
 * all alike. The stack of a task that sleeps for long is read later, in both modes.
 *
 * A switch with such a stack comes twice. The kernel calls the event that was opened last first, so
 * the record with the stack comes first and translate_record() drops the other one. That is why the
 * event without a filter is the first of its kind in this table, also of wakings.
 *
 * The waker's stack says which lock it releases. That matters only to who waits for a lock of the
 * kernel. MODE_FULL takes all of them. The other modes take those that end a long wait: one event
 * on demand has the waiters' tids in its filter. There are two such events, so that one can begin
 * with another filter before the other one ends.
 *
 * lock:contention_end is not recorded. It has no flags, and the end of a semaphore's wait carries
 * the same preemption count as a spinlock's (seen on 6.18). So no filter keeps the one and drops
 * the other, and the ends of contended spinlocks alone can be a hundred thousand a second. The
 * begin names the lock; the switch and the waking give the duration.
 */
static const struct tier_event TRACEPOINT_EVENTS[] = {
	{ .role = ROLE_TASKS, .name = "tasks" },
	SWITCH(IN_MODE(MODE_SAMPLED) | IN_MODE(MODE_DEFERRED_STACKS) | IN_MODE(MODE_TIMING), NULL,
	       0, 0),
	SWITCH(IN_MODE(MODE_FULL) | IN_MODE(MODE_BLOCK_STACKS), "prev_state != 0", SWITCH_FRAMES,
	       0),
	SWITCH(IN_MODE(MODE_FULL) | IN_MODE(MODE_BLOCK_STACKS), "prev_state == 0", 0, 0),
	SWITCH(IN_MODE(MODE_SAMPLED) | IN_MODE(MODE_DEFERRED_STACKS), "prev_state & 258",
	       SWITCH_FRAMES, 0),
	SWITCH(IN_MODE(MODE_SAMPLED), "prev_state & 1", SWITCH_FRAMES, TIER_STACK_PERIOD),
	WAKING(ALL_MODES & ~IN_MODE(MODE_FULL), 0, false),
	WAKING(IN_MODE(MODE_FULL), WAKING_FRAMES, false),
	WAKING(ALL_MODES, WAKING_FRAMES, true),
	WAKING(ALL_MODES, WAKING_FRAMES, true),
	/* Bit 0 is FT_LOCK_SPIN. A waiter that spins for a mutex begins again when it sleeps. */
	{ .role = ROLE_LOCK_BEGIN,
	  .subsystem = "lock",
	  .name = "contention_begin",
	  .filter = "!(flags & 1)",
	  .fields = { "lock_addr", "flags" },
	  .optional = true }, /* since 5.19 */
	/* Since about 7.1. It comes before a release that lets a waiter go on. */
	{ .role = ROLE_LOCK_HOLD,
	  .subsystem = "lock",
	  .name = "contended_release",
	  .fields = { "lock_addr" },
	  .optional = true,
	  .rare = true },
	/* No stack: the switch that follows has one, or the call itself says what it waits for. */
	{ .role = ROLE_CALL,
	  .modes = IN_MODE(MODE_FULL) | IN_MODE(MODE_BLOCK_STACKS) | IN_MODE(MODE_SAMPLED),
	  .call = FT_CALL_FUTEX,
	  .subsystem = "syscalls",
	  .name = "sys_enter_futex",
	  .filter = FUTEX_WAITS,
	  .fields = { "uaddr", "op", "val" },
	  .optional = true }, /* this and all calls below need CONFIG_FTRACE_SYSCALLS */
	/* Calls that wake: where wakers have no stack, they show that a lock was released. */
	{ .role = ROLE_CALL,
	  .modes = IN_MODE(MODE_BLOCK_STACKS) | IN_MODE(MODE_SAMPLED),
	  .call = FT_CALL_FUTEX,
	  .subsystem = "syscalls",
	  .name = "sys_enter_futex",
	  .filter = "!(" FUTEX_WAITS ")",
	  .fields = { "uaddr", "op", "val" },
	  .optional = true },
	{ .role = ROLE_SAMPLE, .name = "cycles", .stack_frames = 127, .user_stack = true },
	LARGE_CALL(FT_CALL_MMAP, "sys_enter_mmap",
		   "len >= " TIER_LARGE_BYTES,
		   "addr", "len", "prot", "flags"),
	LARGE_CALL(FT_CALL_MUNMAP, "sys_enter_munmap", "len >= " TIER_LARGE_BYTES, "addr", "len"),
	LARGE_CALL(FT_CALL_MREMAP, "sys_enter_mremap",
		   "old_len >= " TIER_LARGE_BYTES " || new_len >= " TIER_LARGE_BYTES,
		   "addr", "old_len", "new_len", "flags"),
	LARGE_CALL(FT_CALL_MPROTECT, "sys_enter_mprotect",
		   "len >= " TIER_LARGE_BYTES,
		   "start", "len", "prot"),
	LARGE_CALL(FT_CALL_MADVISE, "sys_enter_madvise",
		   "len_in >= " TIER_LARGE_BYTES,
		   "start", "len_in", "behavior"),
	LARGE_CALL(FT_CALL_MLOCK, "sys_enter_mlock", "len >= " TIER_LARGE_BYTES, "start", "len"),
	LARGE_CALL(FT_CALL_MLOCK, "sys_enter_mlock2",
		   "len >= " TIER_LARGE_BYTES,
		   "start", "len", "flags"),
	LARGE_CALL(FT_CALL_MUNLOCK, "sys_enter_munlock", "len >= " TIER_LARGE_BYTES, "start", "len"),
	/* It locks all memory of the process, and is called once. */
	LARGE_CALL(FT_CALL_MLOCKALL, "sys_enter_mlockall", NULL, "flags"),
};

/* The holders of an mmap_lock. Only on demand: they are many times as frequent as waits for one. */
static const struct tier_event MMAP_LOCK_EVENTS[] = {
	{ .role = ROLE_LOCK_HOLD,
	  .hold = FT_HOLD_ACQUIRED | FT_HOLD_OF_MM,
	  .subsystem = "mmap_lock",
	  .name = "mmap_lock_acquire_returned",
	  .filter = "success != 0",
	  .fields = { "mm", "write" } },
	{ .role = ROLE_LOCK_HOLD,
	  .hold = FT_HOLD_OF_MM,
	  .subsystem = "mmap_lock",
	  .name = "mmap_lock_released",
	  .fields = { "mm", "write" } },
};

const char *tier_stacks_name(enum tier_mode mode)
{
	static const char *const NAMES[TIER_MODES] = { "full", "full", "sampled", "lazy",
						       "timing" };
	return (unsigned int)mode < TIER_MODES ? NAMES[mode] : "?";
}

const struct tier_preset TIER_PRESETS[] = {
	{ "mmap_lock", MMAP_LOCK_EVENTS, sizeof(MMAP_LOCK_EVENTS) / sizeof(MMAP_LOCK_EVENTS[0]) },
};
const size_t TIER_PRESET_COUNT = sizeof(TIER_PRESETS) / sizeof(TIER_PRESETS[0]);

const struct tier TRACEPOINT_TIER = {
	.name = "tracepoint",
	.gives = "every switch, wakers, lock waits, large address-space calls, CPU samples",
	.lacks = "the owner of a spinlock",
	.events = TRACEPOINT_EVENTS,
	.event_count = sizeof(TRACEPOINT_EVENTS) / sizeof(TRACEPOINT_EVENTS[0]),
};

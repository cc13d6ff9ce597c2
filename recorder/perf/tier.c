/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/perf/tier.h"

/* A call on an address range: rare, and who asked for it is what the report is to say. The rest are its fields. */
#define LARGE_CALL(which, tracepoint, large, ...)                                                  \
	{ .role = ROLE_CALL, .call = which, .subsystem = "syscalls", .name = tracepoint,           \
	  .filter = large, .fields = { __VA_ARGS__ }, .stack_frames = 127, .user_stack = true,     \
	  .user_dump = true, .optional = true }

/*
 * FUTEX_WAIT (0), _LOCK_PI (6), _WAIT_BITSET (9), _WAIT_REQUEUE_PI (11) and _LOCK_PI2 (13), told by
 * bits because flags are added to them.
 */
#define FUTEX_WAITS "!(op & 15) || ((op & 8) && (op & 1)) || ((op & 4) && (op & 2) && !(op & 1))"

/*
 * Stacks cost more than all the rest, so sched_switch is opened several times, and in each mode
 * each switch passes the filter of exactly one. In full: with a stack where the task blocks or is
 * preempted inside the kernel (reclaim under mmap_lock shows as that), plain where it only leaves
 * user space or the idle task, which is never anything but running, leaves the CPU. Lazy: with a
 * stack where it waits uninterruptibly (bit 1), which is rare and is what freezes are made of: locks
 * of the kernel, memory, disks. What sleeps otherwise has its stack read later, if it sleeps long.
 *
 * The waker's stack tells which lock it lets go. That matters only while somebody waits for a
 * lock of the kernel, so sched_waking is opened with a stack and without.
 *
 * There is no lock:contention_end. It has no flags, and the end of a semaphore's wait carries the
 * same preemption count as a spinlock's (seen on 6.18): no filter keeps the one and drops the
 * other, and the ends of contended spinlocks alone can be a hundred thousand a second. The begin
 * says which lock, the switch and the waking say for how long.
 */
static const struct tier_event TRACEPOINT_EVENTS[] = {
	{ .role = ROLE_TASKS, .name = "tasks" },
	{ .role = ROLE_SWITCH,
	  .modes = IN_MODE(MODE_FULL) | IN_MODE(MODE_BLOCK_STACKS),
	  .subsystem = "sched",
	  .name = "sched_switch",
	  .filter = "prev_state != 0",
	  .fields = { "prev_comm", "prev_pid", "prev_state", "next_comm", "next_pid" },
	  .stack_frames = 48 },
	{ .role = ROLE_SWITCH,
	  .modes = IN_MODE(MODE_FULL) | IN_MODE(MODE_BLOCK_STACKS),
	  .subsystem = "sched",
	  .name = "sched_switch",
	  .filter = "prev_state == 0",
	  .fields = { "prev_comm", "prev_pid", "prev_state", "next_comm", "next_pid" } },
	{ .role = ROLE_SWITCH,
	  .modes = IN_MODE(MODE_DEFERRED_STACKS),
	  .subsystem = "sched",
	  .name = "sched_switch",
	  .filter = "prev_state & 2",
	  .fields = { "prev_comm", "prev_pid", "prev_state", "next_comm", "next_pid" },
	  .stack_frames = 48 },
	{ .role = ROLE_SWITCH,
	  .modes = IN_MODE(MODE_DEFERRED_STACKS),
	  .subsystem = "sched",
	  .name = "sched_switch",
	  .filter = "!(prev_state & 2)",
	  .fields = { "prev_comm", "prev_pid", "prev_state", "next_comm", "next_pid" } },
	{ .role = ROLE_SWITCH,
	  .modes = IN_MODE(MODE_TIMING),
	  .subsystem = "sched",
	  .name = "sched_switch",
	  .fields = { "prev_comm", "prev_pid", "prev_state", "next_comm", "next_pid" } },
	{ .role = ROLE_WAKING,
	  .modes = IN_MODE(MODE_FULL),
	  .subsystem = "sched",
	  .name = "sched_waking",
	  .fields = { "comm", "pid" },
	  .stack_frames = 16 },
	{ .role = ROLE_WAKING,
	  .modes = IN_MODE(MODE_BLOCK_STACKS) | IN_MODE(MODE_DEFERRED_STACKS) | IN_MODE(MODE_TIMING),
	  .subsystem = "sched",
	  .name = "sched_waking",
	  .fields = { "comm", "pid" } },
	/* Bit 0 is FT_LOCK_SPIN. A mutex that is spun on begins again when its waiter sleeps. */
	{ .role = ROLE_LOCK_BEGIN,
	  .subsystem = "lock",
	  .name = "contention_begin",
	  .filter = "!(flags & 1)",
	  .fields = { "lock_addr", "flags" },
	  .optional = true }, /* since 5.19 */
	/* Since 7.1 or so: comes before a release that lets somebody else go on. */
	{ .role = ROLE_LOCK_HOLD,
	  .subsystem = "lock",
	  .name = "contended_release",
	  .fields = { "lock_addr" },
	  .optional = true,
	  .rare = true },
	/* No stack: the switch that follows has one, and without it what is waited for is not known to be a futex. */
	{ .role = ROLE_CALL,
	  .modes = IN_MODE(MODE_FULL) | IN_MODE(MODE_BLOCK_STACKS),
	  .call = FT_CALL_FUTEX,
	  .subsystem = "syscalls",
	  .name = "sys_enter_futex",
	  .filter = FUTEX_WAITS,
	  .fields = { "uaddr", "op", "val" },
	  .optional = true }, /* this and the calls: kernels without CONFIG_FTRACE_SYSCALLS */
	/* What wakes: where wakers have no stack, this tells that a lock was let go. */
	{ .role = ROLE_CALL,
	  .modes = IN_MODE(MODE_BLOCK_STACKS),
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
	/* What it locks is all the process has, and it is called once. */
	LARGE_CALL(FT_CALL_MLOCKALL, "sys_enter_mlockall", NULL, "flags"),
};

/* Who holds an mmap_lock: many times as often as somebody waits for one, so only on demand. */
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

const struct tier_preset PRESETS[] = {
	{ "mmap_lock", MMAP_LOCK_EVENTS, sizeof(MMAP_LOCK_EVENTS) / sizeof(MMAP_LOCK_EVENTS[0]) },
};
const size_t PRESET_COUNT = sizeof(PRESETS) / sizeof(PRESETS[0]);

const struct tier TIERS[] = {
	{ .name = "tracepoint",
	  .gives = "every switch, wakers, lock waits, large address-space calls, CPU samples",
	  .lacks = "the owner of a spinlock",
	  .events = TRACEPOINT_EVENTS,
	  .event_count = sizeof(TRACEPOINT_EVENTS) / sizeof(TRACEPOINT_EVENTS[0]) },
	{ .name = "switch",
	  .gives = "every switch with its kernel stack, CPU samples",
	  .lacks = "wakers, lock addresses, sizes of address-space calls" },
	{ .name = "timing",
	  .gives = "when one's own processes ran and did not",
	  .lacks = "stacks, wakers, other users' processes" },
	{ .name = "procfs",
	  .gives = "thread states, read now and then",
	  .lacks = "everything between two readings" },
};
const size_t TIER_COUNT = sizeof(TIERS) / sizeof(TIERS[0]);

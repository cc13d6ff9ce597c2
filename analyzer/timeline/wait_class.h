/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a thread was not running: a class from its kernel stack, by the table of
 * rules in wait_rules.c.
 */
#ifndef ANALYZER_TIMELINE_WAIT_CLASS_H
#define ANALYZER_TIMELINE_WAIT_CLASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/trace/stack_table.h"
#include "capture/event.h"

enum wait_class {
	WAIT_UNKNOWN,
	WAIT_LOCK_MMAP, WAIT_LOCK_RWSEM, WAIT_LOCK_MUTEX, WAIT_LOCK_FUTEX, WAIT_LOCK_SPIN,
	WAIT_LOCK_PERCPU, WAIT_LOCK_INODE, WAIT_LOCK_FILE,
	WAIT_LOCK_USER,		/* a futex known to be a lock: no stack says so, see futex_locks.h */
	WAIT_IO_BLOCK, WAIT_IO_PAGECACHE, WAIT_IO_SWAP, WAIT_IO_WRITEBACK, WAIT_IO_JOURNAL,
	WAIT_IO_NETWORK_FS, WAIT_IO_FUSE,
	WAIT_MEM_MEMCG_RECLAIM, WAIT_MEM_DIRECT_RECLAIM, WAIT_MEM_COMPACTION, WAIT_MEM_MEMORY_HIGH,
	WAIT_CPU_RUNQUEUE, WAIT_CPU_THROTTLED,
	WAIT_NET_SOCKET, WAIT_IPC_PIPE, WAIT_IPC_SEMAPHORE, WAIT_POLL, WAIT_SLEEP, WAIT_CHILD, WAIT_SIGNAL, WAIT_STOPPED,
	WAIT_RCU, WAIT_OTHER,
	WAIT_CLASSES
};

enum lock_mode { LOCK_MODE_NONE, LOCK_MODE_READ, LOCK_MODE_WRITE };

/* Which way a wait goes: whether it may be idle, and who is to blame if it is not. */
enum wait_direction {
	DIRECTION_TAKES,	/* others' data, an event, a wake-up: maybe for want of work */
	DIRECTION_SLEEPS,	/* for a time that the thread chose itself */
	DIRECTION_NEEDS,	/* a lock, a device, memory, a CPU: who holds or serves it is to blame */
	DIRECTION_GIVES,	/* hands something on: whoever should take it does not */
	DIRECTION_ASKS,		/* the kernel asks a process or a server for this thread: who should answer */
	DIRECTION_PARKED,	/* stopped, traced, frozen, dumping core: who did that */
};

/* What stands at the end of a chain of waits, where no thread does. */
enum wait_source {
	SOURCE_UNKNOWN,
	SOURCE_DEVICE,
	SOURCE_MEMORY,
	SOURCE_CPU,
	SOURCE_QUOTA,		/* of CPU time */
	SOURCE_TIMER,
	SOURCE_STOP,
	SOURCE_OUTSIDE		/* where an interrupt ended it: the network, a signal */
};

/* How a report speaks of a wait. */
struct wait_words {
	const char *wanted;	/* "a block device", "room in a full pipe" */
	const char *answerer;	/* "the reader of the pipe"; NULL: no process answers */
	const char *advice;
};

/* What a stack says. */
struct wait_reason {
	enum wait_class class;
	enum wait_direction direction;
	enum lock_mode mode;	/* for rwsems: wanted for reading or for writing */
	bool remote_mm;		/* lock.mmap of another process than the waiter's own */
	bool sliced;		/* one such wait is many sleeps, by the kernel's design */
	const struct wait_words *words;	/* static; NULL: there are none of it */
	const char *detail;	/* "inode directory", "rtnl", "vma lock": static text; or NULL */
};

/* "lock.mmap" and so on; static. */
const char *wait_class_name(enum wait_class class);

/* Waiting that way is usually no harm: nobody asked for work, or the thread wanted to sleep. */
bool wait_direction_idle(enum wait_direction direction);

/* Somebody answers a wait of that kind, or takes what is given. */
bool wait_direction_answered(enum wait_direction direction);

/* The direction of the waits of a class whose stack does not say more. */
enum wait_direction wait_class_direction(enum wait_class class);

enum wait_source wait_class_source(enum wait_class class);

/* Whoever ends such a wait was waited for all along: the writer of a pipe, the journal's thread. Locks have owners
 * instead. */
bool wait_class_is_wakers(enum wait_class class);

/* Likewise; NULL: there are none. */
const struct wait_words *wait_class_words(enum wait_class class);

/* Somebody holds what is waited for: its releaser is the waker. */
bool wait_class_lock(enum wait_class class);
/* Whether what is waited for is a CPU. */
bool wait_class_cpu(enum wait_class class);

/**
 * wait_reason_of() - classify a kernel stack.
 *
 * @frames: leaf first, of a thread that blocked or was preempted; user frames are passed over.
 * @state:  S, D, T ... as the switch said; FT_STATE_PREEMPTED and _RUNNING for runnable ones:
 *          then only mem.* classes (reclaim that yields) or cpu.runqueue result.
 */
struct wait_reason wait_reason_of(const struct frame *frames, size_t count, enum ft_task_state state);

/**
 * wait_releases() - the lock class whose release path is in a waker's stack.
 *
 * Return: the class family that @frames, the stack of a waker, lets go: WAIT_LOCK_RWSEM for any rwsem
 * (up_write, up_read, downgrade_write ...; also mmap_lock, inode locks), WAIT_LOCK_MUTEX,
 * WAIT_LOCK_FUTEX, WAIT_LOCK_PERCPU, WAIT_IO_PAGECACHE (folio unlock), ... ; WAIT_UNKNOWN where the
 * waker was no releaser, also where it only passed on a grant while itself acquiring
 * (rwsem_down_read_slowpath in its stack).
 */
enum wait_class wait_releases(const struct frame *frames, size_t count);

/* True where a waker's stack is in a softirq that it ran itself, on its way out of what raised it:
 * then it did cause the wake-up, as one does that sends through the loopback device. */
bool wait_own_softirq(const struct frame *frames, size_t count);

/**
 * wait_operation() - what the thread asked of the kernel: "munmap", "page fault", "read" ...
 *
 * @buffer: for names made from an unknown system call's wrapper.
 * Return: static text or @buffer; "" where the stack does not tell (kernel threads: the outermost function).
 */
const char *wait_operation(const struct frame *frames, size_t count, char *buffer, size_t buffer_bytes);

/* True where the stack is inside an address-space operation that may hold this process'
 * mmap_lock, and not waiting for it. */
bool wait_holds_mmap(const struct frame *frames, size_t count);

#endif

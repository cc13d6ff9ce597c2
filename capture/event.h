/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one recorded event is, in memory. The encoder takes it and the decoder
 * gives it back; doc/FORMAT.md says which bytes it becomes.
 *
 * A new kind of event is a number in enum ft_event_kind, a member of struct
 * ft_event, and a row in capture/event_table.h.
 */
#ifndef FT_CAPTURE_EVENT_H
#define FT_CAPTURE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FT_COMM_BYTES 16	/* TASK_COMM_LEN, terminating zero included */
#define FT_STACK_FRAMES_MAX 192	/* kernel and user frames of one stack together */
#define FT_TEXT_BYTES_MAX 1024	/* a path, a note or an event name, zero included */
#define FT_NAME_BYTES_MAX 512	/* a name or scope of a span or counter, zero included */
#define FT_NO_CPU UINT32_MAX	/* events of the recorder itself: states, notes */

enum ft_event_kind {
	FT_EVENT_SWITCH = 1,	/* @task left the CPU, switch_.next took it */
	FT_EVENT_WAKING = 2,	/* @task is waking waking.wakee; @stack is the waker's */
	FT_EVENT_LOCK_BEGIN = 3, /* @task starts to wait in a kernel lock's slow path */
	FT_EVENT_LOCK_HOLD = 4,	/* @task has acquired a kernel lock, or is about to release it */
	FT_EVENT_SAMPLE = 5,	/* @task was running on @cpu */
	FT_EVENT_CALL = 6,	/* @task entered a large address-space call, or one on a futex */
	FT_EVENT_FORK = 7,	/* @task created fork.child (process or thread) */
	FT_EVENT_COMM = 8,	/* @task has its new name; comm.exec if by execve */
	FT_EVENT_EXIT = 9,	/* @task is exiting */
	FT_EVENT_MMAP = 10,	/* @task's process mapped a file executable */
	FT_EVENT_LOST = 11,	/* records of @cpu are missing between lost.start_ns and time_ns */
	FT_EVENT_STATE = 12,	/* snapshot of @task from /proc */
	FT_EVENT_UNWOUND = 13,	/* user stack, found later, of @task's FT_EVENT_CALL at time_ns */
	FT_EVENT_EXTRA = 14,	/* event added with recorder's -e; extra.name */
	FT_EVENT_NOTE = 15,	/* the recorder has something to say; note.text */
	FT_EVENT_SPAN = 16,	/* @task begins or ends the work span.name, such as direct reclaim */
	FT_EVENT_COUNTER = 17,	/* counter.name of counter.scope, such as a cgroup, had this value */
	FT_EVENT_SCHEDULING = 18, /* by which rules @task gets a CPU */
	FT_EVENT_OBJECT = 19,	/* @task waits at object.name: a pipe, a socket, a file */
	FT_EVENT_PEER = 20,	/* peer.task has another end of what @task waits at, see the OBJECT of that time */
	FT_EVENT_KINDS
};

/* What the kernel reports as a task's state at a switch, by name and not by
 * a kernel version's bits (the recorder reads the bits from the event format). */
enum ft_task_state {
	FT_STATE_RUNNING = 0,	/* still runnable: returned to user space's scheduler point, or yielded */
	FT_STATE_PREEMPTED = 1,	/* preempted inside the kernel ("R+") */
	FT_STATE_SLEEPING = 2,	/* S */
	FT_STATE_DISK = 3,	/* D */
	FT_STATE_STOPPED = 4,	/* T */
	FT_STATE_TRACED = 5,	/* t */
	FT_STATE_DEAD = 6,	/* X, Z */
	FT_STATE_PARKED = 7,	/* P */
	FT_STATE_IDLE = 8,	/* I */
	FT_STATE_OTHER = 9,
	FT_STATES
};

enum ft_call {
	FT_CALL_MMAP = 1,	/* args: address, length, prot, flags */
	FT_CALL_MUNMAP = 2,	/* args: address, length, 0, 0 */
	FT_CALL_MREMAP = 3,	/* args: address, old length, new length, flags */
	FT_CALL_MPROTECT = 4,	/* args: address, length, prot, 0 */
	FT_CALL_MADVISE = 5,	/* args: address, length, advice, 0 */
	FT_CALL_FUTEX = 6,	/* args: address, operation with its flags, value, 0 */
	FT_CALL_MLOCK = 7,	/* args: address, length, flags of mlock2, 0 */
	FT_CALL_MUNLOCK = 8,	/* args: address, length, 0, 0 */
	FT_CALL_MLOCKALL = 9,	/* args: flags, 0, 0, 0: of any size */
	FT_CALLS
};

/* flags of lock:contention_begin, as the kernel names them */
#define FT_LOCK_SPIN 0x01
#define FT_LOCK_READ 0x02
#define FT_LOCK_WRITE 0x04
#define FT_LOCK_RT 0x08
#define FT_LOCK_PERCPU 0x10
#define FT_LOCK_MUTEX 0x20

/* what FT_EVENT_LOCK_HOLD tells */
#define FT_HOLD_ACQUIRED 0x01	/* else released */
#define FT_HOLD_READ 0x02
#define FT_HOLD_WRITE 0x04	/* neither: the kernel does not say which */
#define FT_HOLD_OF_MM 0x08	/* the address is that of the mm whose mmap_lock it is, not of the lock */

/* What a thread waits at. A reader treats others as FT_OBJECT_OTHER. */
enum ft_object {
	FT_OBJECT_OTHER = 0,	/* something with a descriptor, such as an eventfd */
	FT_OBJECT_FILE = 1,	/* or a directory, or a device */
	FT_OBJECT_PIPE = 2,
	FT_OBJECT_SOCKET = 3,
	FT_OBJECT_QUEUE = 4,	/* a message queue */
	FT_OBJECT_SEMAPHORES = 5,
	FT_OBJECT_PERMISSION = 6, /* of an on-access scanner (fanotify) */
};

/* flags of an object: what its descriptor is for, and how much of its other end is known */
#define FT_OBJECT_READABLE 0x01
#define FT_OBJECT_WRITABLE 0x02
#define FT_OBJECT_ENDS_KNOWN 0x04 /* it was looked for the other end among all processes */

/* flags of a peer */
#define FT_PEER_LISTENS 0x01	/* it takes connections there; this one it may not have taken yet */
#define FT_PEER_LAST 0x02	/* it was the last one at the other end: it may be there no more */

struct ft_task {
	int32_t tid;		/* 0: the idle task of the CPU */
	int32_t tgid;		/* -1: not known */
	char comm[FT_COMM_BYTES]; /* zero-terminated; may hold any bytes */
};

/* The task of events that are nobody's: LOST, NOTE and COUNTER. */
extern const struct ft_task ft_nobody;

/* A call stack, leaf first: the kernel's frames, then the user's. */
struct ft_stack {
	const uint64_t *frames;	/* kernel_count + user_count addresses, borrowed */
	uint16_t kernel_count;
	uint16_t user_count;
};

struct ft_event {
	enum ft_event_kind kind;
	uint32_t cpu;			/* or FT_NO_CPU */
	uint64_t time_ns;		/* CLOCK_MONOTONIC */
	const struct ft_task *task;	/* never NULL; ft_nobody for LOST, NOTE and COUNTER */
	const struct ft_stack *stack;	/* NULL: none was taken */
	union {
		struct {
			const struct ft_task *next;
			enum ft_task_state prev_state;
		} switch_;
		struct {
			const struct ft_task *wakee;
			bool in_interrupt;	/* @task was only interrupted: it did not cause the wake-up */
		} waking;
		struct {
			uint64_t address;
			uint32_t flags;		/* FT_LOCK_* */
		} lock_begin;
		struct {
			uint64_t address;
			uint32_t flags;		/* FT_HOLD_* */
		} lock_hold;
		struct {
			enum ft_call call;
			uint64_t args[4];
		} call;
		struct {
			const struct ft_task *child;
		} fork;
		struct {
			bool exec;
		} comm;
		struct {
			uint64_t start, length_bytes, offset_bytes;
			const char *path;	/* borrowed */
		} mmap;
		struct {
			uint64_t start_ns;	/* last record seen before the loss */
			uint64_t records;
		} lost;
		struct {
			enum ft_task_state state;
			int64_t syscall;	/* number, -1 running or not known */
			uint64_t args[6];
			uint64_t running_ns, delay_ns;	/* schedstat totals, 0 not known */
		} state;
		struct {
			const char *name;	/* borrowed */
		} extra;
		struct {
			const char *text;	/* borrowed */
		} note;
		struct {
			const char *name;	/* borrowed */
			bool end;		/* else the work begins */
			uint64_t key;		/* begin and end of one span have the same task, name and key */
			int64_t value;		/* of what name says, in the kernel's unit, such as pages reclaimed */
		} span;
		struct {
			const char *name;	/* borrowed; such as "memory.stat:anon" */
			const char *scope;	/* borrowed; path of the cgroup, or "" for the host */
			int64_t value;		/* in the kernel's unit */
		} counter;
		struct {
			uint32_t policy;	/* SCHED_* of sched_setscheduler(2) */
			uint32_t priority;	/* of a real-time policy; else 0 */
			int64_t nice;
			const char *cpus;	/* borrowed; those that it may use, such as "0-3,8"; "": not known */
			const char *group;	/* borrowed; path of its cgroup of the cpu controller; "": not known */
		} scheduling;
		struct {
			const char *name;	/* borrowed; "pipe:[8123]", "/var/log/x.log", "tcp 127.0.0.1:9000" */
			const char *device;	/* borrowed; what a file is on, such as "/dev/sda1"; "" not known */
			uint32_t object;	/* enum ft_object, or a later one */
			uint32_t flags;		/* FT_OBJECT_* of flags */
			uint64_t number;	/* the descriptor, or the number of the queue or set */
			uint64_t inode;		/* 0: not known */
			uint32_t major, minor;	/* of the device of a file; 0, 0: not known */
			uint32_t ends;		/* processes at the other end; so many PEER events, or fewer, follow */
		} object;
		struct {
			const struct ft_task *task;	/* the process's first thread */
			uint32_t flags;		/* FT_PEER_* */
		} peer;
	};
};

/* What all events of a kind have in common. */
#define FT_EVENT_TEXTS_MAX 2
struct ft_event_descriptor {
	bool of_nobody;		/* task is ft_nobody */
	uint8_t other_at;	/* offset in struct ft_event of the pointer to the other task; 0: none */
	uint8_t texts_at[FT_EVENT_TEXTS_MAX];	/* of the pointers to its texts; 0: no more */
};
extern const struct ft_event_descriptor ft_event_descriptors[FT_EVENT_KINDS];

/**
 * ft_event_texts_bytes() - the length of @event's texts together, zeros included.
 */
size_t ft_event_texts_bytes(const struct ft_event *event);

/**
 * ft_event_move_texts() - copy @event's texts to @to and let @event point there.
 *
 * @to: room for ft_event_texts_bytes().
 */
void ft_event_move_texts(struct ft_event *event, char *to);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the analysis found. Every renderer draws this and computes nothing.
 *
 * Times *_at_ns, start_ns, end_ns are nanoseconds since the start of the
 * capture. Lists are sorted, most important first. Arrays, and texts that are
 * char *, belong to the model. Texts that are const char * are borrowed, most from
 * the source, as the frames of stacks are; the source must outlive the model.
 * Comms, host names and paths may hold any bytes; renderers make them safe.
 */
#ifndef ANALYZER_MODEL_H
#define ANALYZER_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/trace/event_counts.h"
#include "analyzer/trace/stack_table.h"
#include "analyzer/timeline/wait_class.h"
#include "analyzer/util/grade.h"
#include "analyzer/util/human.h"

enum finding_kind {
	FINDING_MMAP_LOCK_CONVOY, FINDING_FUTEX_CONVOY, FINDING_KERNEL_LOCK_CONVOY,
	FINDING_MEMCG_RECLAIM_STALL, FINDING_DIRECT_RECLAIM_STALL, FINDING_IO_STALL,
	FINDING_CPU_THROTTLED, FINDING_CPU_STARVED,
	FINDING_SPIN_CONTENTION, FINDING_SLOW_PRODUCER, FINDING_BUSY_THREAD,
	FINDING_BACKPRESSURE_STALL, FINDING_REQUEST_STALL,
	FINDING_STANDSTILL, FINDING_BACKOFF, FINDING_LOST_WAKEUP, FINDING_DEAD_OWNER,
	FINDING_PROCESS_STOPPED, FINDING_DEADLOCK, FINDING_HOST_PAUSED, FINDING_NO_STALL,
	FINDING_KINDS
};

/* What stands at the top of a report. */
enum verdict {
	VERDICT_FROZEN,
	VERDICT_NOT_SURE,	/* threads stood still, whether for want of work or of an answer cannot be told */
	VERDICT_NO_STALL,
	VERDICT_NOT_FOUND,	/* somebody waited for an answer, and why is not in the capture */
	VERDICT_NO_VERDICT	/* the capture holds too little */
};
const char *finding_kind_name(enum finding_kind kind);	/* "mmap-lock-convoy" ... */

struct model_stack {
	const struct frame *frames;	/* leaf first, of struct stack_table; NULL: none */
	size_t count;
};

struct model_gap {
	uint32_t cpu;
	uint64_t start_ns, end_ns;
	uint64_t records;		/* 0: number not known */
};

struct model_span {
	uint64_t start_ns, end_ns;
};

/* A remark of the recorder in the capture. */
struct model_note {
	uint64_t at_ns;
	char *text;
};

/* What a culprit waited for, in one operation, while others waited for the culprit. */
struct model_because {
	enum wait_class class;		/* cpu.runqueue: it was runnable */
	const char *operation;		/* "" */
	uint64_t waited_ns, longest_ns, count;
	/* What ended the longest: "thread", "owner", "interrupt", "nobody" yet; NULL: not known. */
	const char *ended_by;
	int32_t by_tid;			/* of "thread", "owner"; else 0 */
	const char *by_comm;		/* "" */
	char *root;			/* where the chain ends, if in another thread; NULL */
	int32_t root_tid;		/* 0 */
	const char *root_comm;		/* "" */
};

/* A thread and its part of a time. */
struct model_share {
	int32_t tid, tgid;
	const char *comm;
	uint64_t ns;
};

/* A holder that itself waited for a lock of the next holder, or of the culprit. */
struct model_link {
	int32_t tid;
	const char *comm;
	enum wait_class class;		/* of that lock */
	uint64_t waited_ns;
};

/* The writer that queued while a reader held the lock, so that later readers waited. */
struct model_pivot {
	int32_t tid;
	const char *comm;
	uint64_t at_ns;
	uint64_t readers;		/* how many came behind it */
	uint64_t behind_ns;		/* what they waited until it got the lock */
};

struct model_culprit {
	int32_t tid, tgid;
	const char *comm;
	uint64_t hold_start_ns;
	bool hold_began_before, hold_still_open;	/* hold_ns is "at least" */
	uint64_t hold_ns;		/* its longest hold, */
	uint64_t running_ns, runnable_ns, blocked_ns;	/* and its states during it */
	struct model_stack stack;	/* kernel: where it mostly was during the hold */
	struct model_stack user_stack;	/* its caller, or that of the call behind it */
	uint32_t samples;		/* CPU samples of it in the hold */
	uint32_t samples_in_stack;	/* those in the same named kernel operation as stack */
	struct model_because *because;	/* most time first */
	size_t because_count;
	struct model_share *instead;	/* the threads on the CPU that it wanted, most first */
	size_t instead_count;
	char *why;			/* both as a sentence; NULL: it ran nearly all the time */
};

struct model_lock_ref {
	enum wait_class class;
	uint64_t address;		/* 0: not known */
	int32_t tgid;
	enum lock_mode mode;		/* of the hold; NONE: not known */
};

struct model_allocation {
	const char *syscall;		/* "mmap", "mremap" ... */
	uint64_t bytes;
	uint64_t at_ns;
};

struct model_finding {
	enum finding_kind kind;
	enum grade grade;
	char *summary;			/* one or two sentences, plain text without newline */
	uint64_t blocked_ns;
	int32_t *victims;		/* tids, most blocked first */
	uint64_t *victims_since_ns;	/* start of its longest wait; NULL: not known */
	size_t victim_count;
	struct model_share *outsiders;	/* threads of other processes that waited too */
	size_t outsider_count;
	struct model_link *links;	/* from the holder to the culprit; none: they are one */
	size_t link_count;
	bool has_culprit, has_lock, has_allocation, has_pivot;
	struct model_pivot pivot;
	struct model_culprit culprit;
	struct model_lock_ref lock;
	struct model_allocation allocation;
	char **evidence;
	size_t evidence_count;
	char *pattern;			/* growing-table pattern with next size; NULL */
	char *advice;
	bool incomplete;		/* there was no memory for all of it */
};

struct model_owner {
	int32_t tid;			/* 0: charged to nobody ("unknown") */
	const char *comm;
	enum grade grade;
	uint64_t blamed_ns, longest_hold_ns;
	struct model_stack stack;
};

/* Several threads were blocked on a futex that may be a lock. */
struct model_doubt {
	size_t threads;			/* 0: there are none */
	int32_t tid;			/* the one that was blocked longest */
	const char *comm;
	int32_t tgid;
	uint64_t address, start_ns, longest_ns;
	int32_t waker_tid;		/* the thread that woke the first of them; 0: not seen */
	const char *waker_comm;
};

struct model_lock {
	enum wait_class class;
	char *detail;			/* "vma lock", "inode directory", the name of a file; NULL */
	uint64_t address;		/* 0: not known, key is (tgid, class) */
	int32_t tgid;
	uint64_t wait_ns, waits, max_wait_ns;
	struct model_owner *owners;
	size_t owner_count;
};

struct model_wait {
	enum wait_class class;
	bool idle;
	const char *operation;		/* "munmap", "page fault"; "": not known */
	const char *detail;		/* NULL */
	uint64_t blocked_ns, runnable_ns, count, max_ns, threads;
	/* The parts of blocked_ns and count whose stacks were not sampled: the class is an estimate. */
	uint64_t estimated_ns, estimated_count;
	/* The part of runnable_ns from a wake-up to a CPU. */
	uint64_t woken, woken_ns, woken_max_ns;
	struct model_stack stack;
};

/* Where the chains of the waits that hurt in the stall end. */
struct model_blame {
	char *root;			/* "running clear_page_erms (mmap)", "io.block in fsync" */
	int32_t tid;			/* the thread; 0: nobody, or each victim itself */
	const char *comm;		/* "" */
	const char *class;		/* "running", or the name of a wait class */
	enum grade grade;
	uint64_t blocked_ns;
	uint32_t victims;
};

struct model_thread {
	int32_t tid, tgid;
	const char *comm;
	bool target;
	uint64_t observed_ns;		/* == running + runnable + blocked + unknown, always */
	uint64_t running_ns, runnable_ns, blocked_ns, unknown_ns;
	uint64_t class_ns[WAIT_CLASSES]; /* of blocked_ns (and runnable_ns for cpu.*, mem.*) */
	uint64_t hurt_ns;		/* of class_ns, what is no idle wait by its direction, nor for a CPU */
	uint64_t estimated_ns;		/* the part of class_ns whose class is an estimate */
};

struct model {
	struct {
		const char *path;	/* of the input */
		const char *host, *kernel, *arch, *tier;	/* "" where not known */
		const int32_t *target;	/* tgids; none: the whole host */
		size_t target_count;
		const char *target_comm;	/* "" */
		size_t target_threads;	/* threads of the target seen */
		const char *trigger_source, *trigger_reason;	/* "" where there was none */
		uint64_t trigger_at_ns;
		int64_t start_realtime_ns;	/* since the epoch; 0: not known */
		uint64_t start_ns;		/* CLOCK_MONOTONIC of the recorded host */
		int32_t utc_offset_s;		/* of the recorded host */
		uint64_t duration_ns, events;
		const char *ring;	/* ring file: "running" or "left" by its recorder; NULL */
		bool complete;		/* end mark seen, nothing damaged */
		const char *damage;	/* text for a person, of the model; NULL */
	} capture;
	struct model_doubt doubt;	/* only where no stall was found */
	struct {
		uint64_t lost_events;
		struct model_gap *gaps;
		size_t gap_count;
		bool contradicts;	/* uncounted events are missing: no grade above PLAUSIBLE */
		uint64_t unknown_ns;		/* of the target's threads */
		uint64_t recorder_delay_max_ns;
		const char *stacks;	/* "full", "sampled" ...: which stacks of waits were taken; "" */
		const char *waker_stacks;	/* "all", "lock-waits", "none"; "" */
		uint32_t cpus;
		struct event_counts extras;	/* events of -e */
		struct model_note *notes;	/* in order of time */
		size_t note_count;
		char **cannot_say;	/* sentences: what this capture cannot tell */
		size_t cannot_say_count;
		bool incomplete;	/* there was no memory for all of them */
	} coverage;
	const char *no_verdict;		/* why nobody can say whether it froze; NULL */
	struct {
		bool found;
		bool unsure;	/* what made it may have been idle */
		bool apart;		/* it was over before the trigger and does not explain it */
		bool began_before, still_open, end_lost;	/* "at least" */
		bool end_doubtful;	/* "at most" */
		uint64_t start_ns, end_ns;
		uint32_t threads_blocked_max;
		struct model_span other[8];	/* the first lesser stalls, in order of time */
		uint32_t others;	/* how many lesser stalls there are */
		/* Where no stall was found: */
		bool unexplained;	/* the trigger says that somebody waited */
		bool failed_at_once;	/* the answers to a probe were bad, but without delay */
		/* The longest wait that hurts: */
		uint64_t longest_ns;
		enum wait_class longest_class;
		int32_t longest_tid;
		const char *longest_comm;
	} stall;
	struct model_finding *findings;
	size_t finding_count;
	struct model_blame *blame;
	size_t blame_count;
	struct model_lock *locks;
	size_t lock_count;
	struct model_wait *waits;	/* by class and stack */
	size_t wait_count;
	/* By class and operation, waits for a CPU after a wake-up apart. stack: of most of it. */
	struct model_wait *wait_groups;
	size_t wait_group_count;
	struct model_thread *threads;
	size_t thread_count;
	struct stack_infos *operations;	/* owns the texts of waits[].operation */
};

/* @model: also one that is only partly filled in; NULL. */
void model_free(struct model *model);

/* Take the table of blame out again. */
void model_clear_blame(struct model *model);

enum verdict model_verdict(const struct model *model);
const char *verdict_name(enum verdict verdict);	/* "frozen", "not-sure" ... */

/* The time of day where the host was, "+31.073 s" into the capture where that is not known. */
struct human model_time_text(const struct model *model, uint64_t at_ns);

#endif

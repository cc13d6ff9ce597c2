/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/support/render_cases.h"

#define MS	     1000000ULL
#define S	     1000000000ULL
#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define STACK(array)                                   \
	{                                              \
		.frames = array, .count = COUNT(array) \
	}
#define KERNEL(name, offset)                                                   \
	{                                                                      \
		.address = 0xffffffff81000000, .kernel = true, .symbol = name, \
		.offset_bytes = offset                                         \
	}
#define USER(name, path, number)                                                 \
	{                                                                        \
		.address = 0x55d000001000, .symbol = name, .offset_bytes = 0x2c, \
		.module = "feeddb", .file = path, .line = number                 \
	}

/* A table doubles under eight workers: every member of the model is filled. */

static const struct frame populate_frames[] = {
	KERNEL("clear_page_erms", 0xb),		 KERNEL("folio_zero_user", 0x6f),
	KERNEL("do_anonymous_page", 0x1b2),	 KERNEL("__handle_mm_fault", 0x8d1),
	KERNEL("handle_mm_fault", 0x117),	 KERNEL("__get_user_pages", 0x2f4),
	KERNEL("populate_vma_page_range", 0x7f), KERNEL("__mm_populate", 0xea),
	KERNEL("vm_mmap_pgoff", 0x193),		 KERNEL("ksys_mmap_pgoff", 0x1bc),
	KERNEL("__x64_sys_mmap", 0x33),		 KERNEL("x64_sys_call", 0x1c8a),
	KERNEL("do_syscall_64", 0x82),		 KERNEL("entry_SYSCALL_64_after_hwframe", 0x76),
};
static const struct frame grow_frames[] = {
	{ .address = 0x7f3a0011b9d7,
	  .symbol = "mmap64",
	  .offset_bytes = 0x17,
	  .module = "libc.so.6" },
	USER("table_grow", "hashmap.c", 88),
	USER("table_insert", "hashmap.c", 131),
	USER("load_documents", "feed.c", 402),
	{ .address = 0x55d000009abc, .offset_bytes = 0x9abc, .module = "feeddb" },
	{ .address = 0x7f3a00089134 },
};
static const struct frame munmap_frames[] = {
	KERNEL("__schedule", 0x3e1),
	KERNEL("schedule", 0x27),
	KERNEL("schedule_preempt_disabled", 0x15),
	KERNEL("rwsem_down_write_slowpath", 0x1f2),
	KERNEL("down_write_killable", 0x60),
	KERNEL("__vm_munmap", 0x8a),
	KERNEL("__x64_sys_munmap", 0x1b),
	KERNEL("do_syscall_64", 0x82),
	{ .address = 0x7f3a0011ba6b,
	  .symbol = "__munmap",
	  .offset_bytes = 0xb,
	  .module = "libc.so.6" },
	USER("arena_release", "arena.c", 57),
};
static const struct frame fault_frames[] = {
	KERNEL("__schedule", 0x3e1),
	KERNEL("schedule", 0x27),
	KERNEL("rwsem_down_read_slowpath", 0x1d3),
	KERNEL("down_read", 0x48),
	KERNEL("lock_mm_and_find_vma", 0x9b),
	KERNEL("do_user_addr_fault", 0x2e8),
	KERNEL("exc_page_fault", 0x7f),
	KERNEL("asm_exc_page_fault", 0x26),
};
static const struct frame poll_frames[] = {
	KERNEL("__schedule", 0x3e1),
	KERNEL("schedule", 0x27),
	KERNEL("ep_poll", 0x36c),
	KERNEL("do_epoll_wait", 0xd0),
};
static const int32_t convoy_target[] = { 4242 };
static int32_t convoy_victims[] = { 5300, 5299, 5298, 5297, 5296, 5295, 5294, 5301 };
static uint64_t convoy_since[] = { 8971 * MS, 8971 * MS, 8972 * MS, 8972 * MS,
				   8973 * MS, 8975 * MS, 8976 * MS, 8977 * MS };
static char *convoy_evidence[] = {
	"It woke the first waiter (5300) out of up_read at 12:04:40.482.",
	"Its mmap call spans the stall.",
	"461 of 461 CPU samples of it are under __mm_populate.",
};
static struct model_because convoy_because[] = {
	{ .class = WAIT_LOCK_MUTEX,
	  .operation = "mmap",
	  .waited_ns = 60 * MS,
	  .longest_ns = 41 * MS,
	  .count = 2,
	  .ended_by = "owner",
	  .by_tid = 900,
	  .by_comm = "kswapd0",
	  .root = "io.swap",
	  .root_tid = 901,
	  .root_comm = "kworker/0:1" },
	{ .class = WAIT_CPU_RUNQUEUE,
	  .operation = "",
	  .waited_ns = 30 * MS,
	  .longest_ns = 9 * MS,
	  .count = 11,
	  .by_comm = "",
	  .root_comm = "" },
};
static struct model_share convoy_instead[] = { { 6001, 6000, "backup", 22 * MS } };
static struct model_share convoy_outsiders[] = { { 7001, 7000, "ps", 8900 * MS } };
static struct model_link convoy_links[] = { { 5301, "worker7", WAIT_LOCK_USER, 9300 * MS } };
static struct model_blame convoy_blame[] = {
	{ .root = "running clear_page_erms (mmap)",
	  .tid = 5293,
	  .comm = "resizer",
	  .class = "running",
	  .grade = GRADE_STRONG,
	  .blocked_ns = 74373 * MS,
	  .victims = 8 },
	{ .root = "unknown (lock.mmap)",
	  .comm = "",
	  .class = "lock.mmap",
	  .grade = GRADE_UNKNOWN,
	  .blocked_ns = 827 * MS,
	  .victims = 3 },
	{ .root = "io.block in fsync",
	  .tid = 310,
	  .comm = "jbd2/sda1-8",
	  .class = "io.block",
	  .grade = GRADE_PLAUSIBLE,
	  .blocked_ns = 9 * MS,
	  .victims = 1 },
};
static struct model_finding convoy_findings[] = { {
	.kind = FINDING_MMAP_LOCK_CONVOY,
	.grade = GRADE_STRONG,
	.summary = "Thread 5293 (resizer) held mmap_lock for 9.40 s while it mapped and populated "
		   "3,758,096,384 bytes (3.5 GiB) in one mmap call. 8 threads waited 75.2 s for "
		   "it; 98.9 % of their wait is charged to it.",
	.blocked_ns = 75200 * MS,
	.victims = convoy_victims,
	.victims_since_ns = convoy_since,
	.victim_count = COUNT(convoy_victims),
	.has_culprit = true,
	.has_lock = true,
	.has_allocation = true,
	.outsiders = convoy_outsiders,
	.outsider_count = COUNT(convoy_outsiders),
	.links = convoy_links,
	.link_count = COUNT(convoy_links),
	.has_pivot = true,
	.pivot = { .tid = 5296,
		   .comm = "worker2",
		   .at_ns = 8973 * MS,
		   .readers = 3,
		   .behind_ns = 27900 * MS },
	.culprit = { .tid = 5293,
		     .tgid = 4242,
		     .comm = "resizer",
		     .hold_start_ns = 8970 * MS,
		     .hold_ns = 9400 * MS,
		     .running_ns = 9310 * MS,
		     .runnable_ns = 30 * MS,
		     .blocked_ns = 60 * MS,
		     .because = convoy_because,
		     .because_count = COUNT(convoy_because),
		     .instead = convoy_instead,
		     .instead_count = COUNT(convoy_instead),
		     .why = "of its 9.40 s: 60 ms waiting for lock.mutex in mmap (2 times, the "
			    "longest 41 ms), which 900 kswapd0 held and which comes down to 901 "
			    "kworker/0:1 (io.swap); 30 ms wanting a CPU while 6001 backup ran there "
			    "for 22 ms",
		     .stack = STACK(populate_frames),
		     .user_stack = STACK(grow_frames),
		     .samples = 461,
		     .samples_in_stack = 461 },
	.lock = { .class = WAIT_LOCK_MMAP,
		  .address = 0xffff8881f4113780,
		  .tgid = 4242,
		  .mode = LOCK_MODE_READ },
	.allocation = { .syscall = "mmap", .bytes = 3758096384, .at_ns = 8970 * MS },
	.evidence = convoy_evidence,
	.evidence_count = COUNT(convoy_evidence),
	.pattern = "896 MiB, 1.75 GiB, 3.5 GiB: a table that doubles. Next: 7 GiB.",
	.advice = "Size the table for its final load at start-up, or split it into shards that "
		  "grow apart; if memory must be populated, do it in slices outside the serving "
		  "threads.",
} };
static struct model_owner convoy_mmap_owners[] = {
	{ .tid = 5293,
	  .comm = "resizer",
	  .grade = GRADE_STRONG,
	  .blamed_ns = 74373 * MS,
	  .longest_hold_ns = 9400 * MS,
	  .stack = STACK(populate_frames) },
	{ .tid = 0, .comm = "", .grade = GRADE_UNKNOWN, .blamed_ns = 827 * MS },
};
static struct model_owner convoy_futex_owners[] = {
	{ .tid = 5297,
	  .comm = "worker2",
	  .grade = GRADE_PLAUSIBLE,
	  .blamed_ns = 213 * MS,
	  .longest_hold_ns = 12 * MS },
};
static struct model_lock convoy_locks[] = {
	{ .class = WAIT_LOCK_MMAP,
	  .address = 0xffff8881f4113780,
	  .tgid = 4242,
	  .wait_ns = 75200 * MS,
	  .waits = 1506,
	  .max_wait_ns = 9400 * MS,
	  .owners = convoy_mmap_owners,
	  .owner_count = COUNT(convoy_mmap_owners) },
	{ .class = WAIT_LOCK_FUTEX,
	  .tgid = 4242,
	  .wait_ns = 300 * MS,
	  .waits = 212,
	  .max_wait_ns = 12 * MS,
	  .owners = convoy_futex_owners,
	  .owner_count = COUNT(convoy_futex_owners) },
};
static struct model_wait convoy_waits[] = {
	{ .class = WAIT_LOCK_MMAP,
	  .operation = "munmap",
	  .blocked_ns = 41600 * MS,
	  .count = 2181,
	  .max_ns = 9400 * MS,
	  .threads = 8,
	  .stack = STACK(munmap_frames) },
	{ .class = WAIT_LOCK_MMAP,
	  .operation = "page fault",
	  .detail = "vma lock",
	  .blocked_ns = 33600 * MS,
	  .count = 3573,
	  .max_ns = 9400 * MS,
	  .threads = 8,
	  .stack = STACK(fault_frames) },
	{ .class = WAIT_CPU_RUNQUEUE,
	  .operation = "",
	  .runnable_ns = 2100 * MS,
	  .count = 9000,
	  .max_ns = 11 * MS,
	  .threads = 10 },
	{ .class = WAIT_POLL,
	  .idle = true,
	  .operation = "epoll_wait",
	  .blocked_ns = 64100 * MS,
	  .count = 120,
	  .max_ns = 10 * S,
	  .threads = 2,
	  .stack = STACK(poll_frames) },
	{ .class = WAIT_SLEEP,
	  .idle = true,
	  .operation = "clock_nanosleep",
	  .blocked_ns = 9 * S,
	  .count = 1,
	  .max_ns = 9 * S,
	  .threads = 1 },
};
#define WORKER(id, name)                                                                          \
	{                                                                                         \
		.tid = id, .tgid = 4242, .comm = name, .target = true, .observed_ns = 18400 * MS, \
		.running_ns = 900 * MS, .runnable_ns = 200 * MS, .blocked_ns = 17300 * MS,        \
		.class_ns = {                                                                     \
			[WAIT_LOCK_MMAP] = 9400 * MS,                                             \
			[WAIT_SLEEP] = 7900 * MS                                                  \
		}                                                                                 \
	}
static struct model_thread convoy_threads[] = {
	{ .tid = 5293,
	  .tgid = 4242,
	  .comm = "resizer",
	  .target = true,
	  .observed_ns = 18400 * MS,
	  .running_ns = 9600 * MS,
	  .runnable_ns = 100 * MS,
	  .blocked_ns = 8700 * MS,
	  .class_ns = { [WAIT_SLEEP] = 8700 * MS } },
	WORKER(5294, "worker0"),
	WORKER(5295, "worker1"),
	WORKER(5296, "worker2"),
	WORKER(5297, "worker3"),
	WORKER(5298, "worker4"),
	WORKER(5299, "worker5"),
	WORKER(5300, "worker6"),
	WORKER(5301, "worker7"),
	{ .tid = 4242,
	  .tgid = 4242,
	  .comm = "feeddb",
	  .target = true,
	  .observed_ns = 18400 * MS,
	  .running_ns = 10 * MS,
	  .blocked_ns = 18390 * MS,
	  .class_ns = { [WAIT_POLL] = 18390 * MS } },
};
static struct model_note convoy_notes[] = {
	{ 12 * MS, "the recorder's memory could not be locked: Operation not permitted" },
};
static char *convoy_cannot_say[] = {
	"User stacks of threads 5301-5303: no frame pointers.",
};
#define CONVOY_CAPTURE                                                                             \
	{                                                                                          \
		.path = "capture.dat", .host = "web-17", .kernel = "6.1.0-56", .arch = "x86_64",   \
		.tier = "tracepoint", .target = convoy_target, .target_count = 1,                  \
		.target_comm = "feeddb", .target_threads = 10, .trigger_source = "probe-tcp",      \
		.trigger_reason = "127.0.0.1:6379 slower than 200 ms for 2.0 s",                   \
		.trigger_at_ns = 11027 * MS, .start_realtime_ns = 1770116662073456789,             \
		.utc_offset_s = 3600, .duration_ns = 18400 * MS, .events = 58523, .complete = true \
	}
static const struct model convoy = {
	.capture = CONVOY_CAPTURE,
	.coverage = { .recorder_delay_max_ns = 300000,
		      .cpus = 2,
		      .notes = convoy_notes,
		      .note_count = COUNT(convoy_notes),
		      .cannot_say = convoy_cannot_say,
		      .cannot_say_count = COUNT(convoy_cannot_say) },
	.stall = { .found = true,
		   .start_ns = 9000 * MS,
		   .end_ns = 18410 * MS,
		   .threads_blocked_max = 8 },
	.findings = convoy_findings,
	.finding_count = COUNT(convoy_findings),
	.blame = convoy_blame,
	.blame_count = COUNT(convoy_blame),
	.locks = convoy_locks,
	.lock_count = COUNT(convoy_locks),
	.waits = convoy_waits,
	.wait_count = COUNT(convoy_waits),
	.wait_groups = convoy_waits,
	.wait_group_count = COUNT(convoy_waits),
	.threads = convoy_threads,
	.thread_count = COUNT(convoy_threads),
};

/* The cure at work: nothing froze. */

static char *no_stall_evidence[] = { "No thread of the target waited longer than 3 ms." };
static struct model_finding no_stall_findings[] = { {
	.kind = FINDING_NO_STALL,
	.grade = GRADE_EXACT,
	.summary = "Nothing froze: no wait that hurts reached 200 ms.",
	.evidence = no_stall_evidence,
	.evidence_count = 1,
} };
static struct model_wait no_stall_waits[] = {
	{ .class = WAIT_LOCK_FUTEX,
	  .operation = "futex",
	  .blocked_ns = 41 * MS,
	  .count = 90,
	  .max_ns = 3 * MS,
	  .estimated_ns = 38 * MS,
	  .estimated_count = 85,
	  .threads = 4 },
	{ .class = WAIT_SLEEP,
	  .idle = true,
	  .operation = "nanosleep",
	  .blocked_ns = 40 * S,
	  .count = 400,
	  .estimated_ns = 30 * S,
	  .estimated_count = 300,
	  .max_ns = 100 * MS,
	  .threads = 4 },
};
static struct model_thread no_stall_threads[] = { WORKER(5297, "worker2") };
static const struct model no_stall = {
	.capture = { .path = "quiet.dat",
		     .host = "web-17",
		     .kernel = "6.1.0-56",
		     .arch = "x86_64",
		     .tier = "tracepoint",
		     .target = convoy_target,
		     .target_count = 1,
		     .target_comm = "feeddb",
		     .target_threads = 1,
		     .trigger_source = "capture",
		     .trigger_reason = "",
		     .start_realtime_ns = 1770116662073456789,
		     .duration_ns = 18400 * MS,
		     .events = 1204,
		     .complete = true },
	.coverage = { .cpus = 1 },
	.stall = { .longest_ns = 3 * MS,
		   .longest_class = WAIT_LOCK_FUTEX,
		   .longest_tid = 5297,
		   .longest_comm = "worker2" },
	.findings = no_stall_findings,
	.finding_count = 1,
	.waits = no_stall_waits,
	.wait_count = COUNT(no_stall_waits),
	.wait_groups = no_stall_waits,
	.wait_group_count = COUNT(no_stall_waits),
	.threads = no_stall_threads,
	.thread_count = 1,
};

/* Torn, with losses: a stall of which neither end nor cause is known. */

static struct model_gap damaged_gaps[] = {
	{ .cpu = 1, .start_ns = 2000 * MS, .end_ns = 4100 * MS, .records = 1204 },
	{ .cpu = 0, .start_ns = 5000 * MS, .end_ns = 5100 * MS },
	{ .cpu = 0, .start_ns = 6000 * MS, .end_ns = 6001 * MS, .records = 1 },
	{ .cpu = 0, .start_ns = 6100 * MS, .end_ns = 6101 * MS, .records = 7 },
	{ .cpu = 0, .start_ns = 6200 * MS, .end_ns = 6201 * MS, .records = 8 },
	{ .cpu = 0, .start_ns = 6300 * MS, .end_ns = 6301 * MS, .records = 9 },
};
static struct model_wait damaged_waits[] = {
	{ .class = WAIT_MEM_DIRECT_RECLAIM,
	  .operation = "page fault",
	  .blocked_ns = 6200 * MS,
	  .runnable_ns = 100 * MS,
	  .count = 1,
	  .max_ns = 6200 * MS,
	  .threads = 1,
	  .stack = STACK(fault_frames) },
};
static struct model_thread damaged_threads[] = {
	{ .tid = 77,
	  .tgid = 70,
	  .comm = "mysqld",
	  .observed_ns = 7000 * MS,
	  .running_ns = 100 * MS,
	  .runnable_ns = 100 * MS,
	  .blocked_ns = 6200 * MS,
	  .unknown_ns = 600 * MS,
	  .class_ns = { [WAIT_MEM_DIRECT_RECLAIM] = 6300 * MS } },
};
static struct model_note damaged_notes[] = {
	{ 100 * MS, "governor: lazy stacks from here on (of threads blocked for long, from /proc): the "
		    "load was above the budget, 512345 events a second, 24.1 % of the CPUs' time" },
	{ 900 * MS, "governor: timing only from here on (no stacks of blocked threads): the load was "
		    "above the budget, 901234 events a second, 31.0 % of the CPUs' time" },
	{ 2 * S, "the kernel held back samples on CPU 0 (perf_event_max_sample_rate)" },
	{ 3 * S, "a note" },
	{ 4 * S, "another" },
	{ 5 * S, "one more than are shown" },
};
static char *damaged_cannot_say[] = {
	"What came after the damage.",
	"Who woke whom on CPU 1 between 11:04:24.073 and 11:04:26.173, as 1,204 events are "
	"missing.",
};
static const struct model damaged = {
	.capture = { .path = "web01.dat",
		     .host = "web01",
		     .kernel = "5.10.0",
		     .arch = "aarch64",
		     .tier = "switch",
		     .target_threads = 214,
		     .start_realtime_ns = 1770116662073456789,
		     .duration_ns = 7 * S,
		     .events = 9999,
		     .complete = false,
		     .damage = "web01.dat: segment 417 at offset 27394048: declared length "
			       "4294967288 exceeds the 131072 bytes left.\n  Used the 416 segments "
			       "before it (7.0 s). What came later is not in this report." },
	.coverage = { .lost_events = 1229,
		      .gaps = damaged_gaps,
		      .gap_count = COUNT(damaged_gaps),
		      .unknown_ns = 600 * MS,
		      .recorder_delay_max_ns = 12 * MS,
		      .cpus = 2,
		      .notes = damaged_notes,
		      .note_count = COUNT(damaged_notes),
		      .cannot_say = damaged_cannot_say,
		      .cannot_say_count = COUNT(damaged_cannot_say) },
	.stall = { .found = true,
		   .still_open = true,
		   .start_ns = 800 * MS,
		   .end_ns = 7 * S,
		   .threads_blocked_max = 1 },
	.waits = damaged_waits,
	.wait_count = COUNT(damaged_waits),
	.wait_groups = damaged_waits,
	.wait_group_count = COUNT(damaged_waits),
	.threads = damaged_threads,
	.thread_count = COUNT(damaged_threads),
};

/* Whoever named these threads, symbols and files means no good. */

#define EVIL "\x1b[2J\x1b]0;x\x07"
#define LONG_NAME                                                                        \
	"std::__detail::_Map_base<std::string, std::pair<std::string const, Document>, " \
	"std::allocator<std::pair<std::string const, Document> > >::operator[](std::string&&)"
static const struct frame hostile_frames[] = {
	{ .address = 1, .kernel = true, .symbol = "bad\nframe;x 9", .offset_bytes = UINT64_MAX },
	{ .address = UINT64_MAX,
	  .symbol = LONG_NAME,
	  .module = "\xff\xfe.so" EVIL,
	  .file = "\r.c",
	  .line = UINT32_MAX },
	{ .address = UINT64_MAX,
	  .module = "m;\xc2\x9b"
		    "31m",
	  .offset_bytes = UINT64_MAX },
};
static const int32_t hostile_target[] = { INT32_MIN, INT32_MAX };
static int32_t hostile_victims[] = { INT32_MAX, INT32_MIN, 4 };
static char *hostile_evidence[] = { "",
				    ("\xe2\x80\xae"
				     "reversed"),
				    EVIL };
static struct model_finding hostile_findings[] = { {
	.kind = FINDING_DEADLOCK,
	.grade = GRADE_PLAUSIBLE,
	.summary =
		"Thread 1 (" EVIL ")\n\nFROZEN      never; "
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa "
		"\xf0\x9f\x92\xa9\xe6\x97\xa5\xe6\x9c\xac.",
	.blocked_ns = INT64_MAX,
	.victims = hostile_victims,
	.victim_count = COUNT(hostile_victims),
	.has_culprit = true,
	.culprit = { .tid = INT32_MIN,
		     .tgid = -1,
		     .comm = "\x1b[31m\xff\xff\n",
		     .hold_ns = INT64_MAX,
		     .running_ns = INT64_MAX,
		     .samples = UINT32_MAX,
		     .why = "of its " EVIL "\n\n",
		     .stack = STACK(hostile_frames),
		     .user_stack = STACK(hostile_frames) },
	.evidence = hostile_evidence,
	.evidence_count = COUNT(hostile_evidence),
	.advice = "\t",
} };
static struct model_blame hostile_blame[] = {
	{ .root = EVIL LONG_NAME,
	  .tid = INT32_MIN,
	  .comm = EVIL "\n",
	  .class = "running",
	  .blocked_ns = INT64_MAX,
	  .victims = UINT32_MAX },
	{ .root = "", .comm = "", .class = "sleep", .blocked_ns = INT64_MAX },
};
static struct model_owner hostile_owners[] = {
	{ .tid = INT32_MIN, .comm = "\xf0\x9f\x92\xa9\x1b[0m\x1b[0m\x1b[", .blamed_ns = INT64_MAX },
};
static struct model_lock hostile_locks[] = {
	{ .class = WAIT_LOCK_PERCPU,
	  .address = UINT64_MAX,
	  .tgid = INT32_MIN,
	  .wait_ns = INT64_MAX,
	  .waits = INT64_MAX,
	  .max_wait_ns = INT64_MAX,
	  .owners = hostile_owners,
	  .owner_count = 1 },
	{ .class = WAIT_OTHER },
};
static struct model_wait hostile_waits[] = {
	{ .class = WAIT_MEM_DIRECT_RECLAIM,
	  .operation = EVIL EVIL EVIL,
	  .blocked_ns = INT64_MAX,
	  .count = INT64_MAX,
	  .max_ns = INT64_MAX,
	  .threads = INT64_MAX,
	  .stack = STACK(hostile_frames) },
};
static struct model_thread hostile_threads[] = {
	{ .target = true, .tid = INT32_MIN,
	  .comm = "\x1b]0;owned\x07\x1b[2J\xff",
	  .observed_ns = INT64_MAX,
	  .unknown_ns = INT64_MAX },
	{ .target = true, .tid = 4, .comm = "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\xe6\x9c\xac" },
	{ .target = true, .tid = 5, .comm = "A\xcc\x81 b" },
};
static struct model_note hostile_notes[] = { { INT64_MAX, EVIL } };
static struct model_gap hostile_gaps[] = {
	{ .cpu = UINT32_MAX, .start_ns = INT64_MAX, .end_ns = 0, .records = INT64_MAX },
};
static const struct model hostile = {
	.capture = { .path = "a\nb/" EVIL ".dat",
		     .host = EVIL "\xff",
		     .kernel = "\"6.1\\\"",
		     .arch = "\x80",
		     .tier = "\x7f",
		     .target = hostile_target,
		     .target_count = COUNT(hostile_target),
		     .target_comm = "x;y \x1b[7m",
		     .target_threads = 3,
		     .trigger_source = EVIL,
		     .trigger_reason = "\n\n\n",
		     .trigger_at_ns = INT64_MAX,
		     .start_realtime_ns = INT64_MAX,
		     .utc_offset_s = INT32_MIN,
		     .duration_ns = INT64_MAX,
		     .events = INT64_MAX,
		     .complete = false,
		     .damage = EVIL },
	.coverage = { .gaps = hostile_gaps,
		      .gap_count = 1,
		      .notes = hostile_notes,
		      .note_count = 1,
		      .unknown_ns = INT64_MAX,
		      .recorder_delay_max_ns = INT64_MAX,
		      .cpus = UINT32_MAX },
	.stall = { .found = true,
		   .began_before = true,
		   .still_open = true,
		   .start_ns = 1,
		   .end_ns = 0,
		   .threads_blocked_max = UINT32_MAX },
	.findings = hostile_findings,
	.finding_count = 1,
	.blame = hostile_blame,
	.blame_count = COUNT(hostile_blame),
	.locks = hostile_locks,
	.lock_count = COUNT(hostile_locks),
	.wait_groups = hostile_waits,
	.wait_group_count = COUNT(hostile_waits),
	.waits = hostile_waits,
	.wait_count = 1,
	.threads = hostile_threads,
	.thread_count = COUNT(hostile_threads),
};

/* A ring file with a header and nothing else. */

static const struct model empty = {
	.no_verdict = "the capture holds no event, so it cannot say whether anything froze",
	.capture = { .path = "empty.dat",
		     .ring = "left",
		     .host = "",
		     .kernel = "",
		     .arch = "",
		     .tier = "",
		     .target_comm = "",
		     .trigger_source = "",
		     .trigger_reason = "" },
};

const struct render_case render_cases[] = {
	{ "convoy", &convoy, false },  { "no-stall", &no_stall, false },
	{ "damaged", &damaged, true }, { "hostile", &hostile, false },
	{ "empty", &empty, false },
};
const size_t render_case_count = COUNT(render_cases);

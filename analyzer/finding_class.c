/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/finding_class.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/finding.h"

/* What a class is called, and what helps. */
static const struct class_finding {
	enum wait_class class;
	enum finding_kind kind;
	const char *wanted, *advice;
} class_findings[] = {
	{ WAIT_CPU_RUNQUEUE, FINDING_CPU_STARVED, "a CPU",
	  "Give the service more CPU, or take it from what ran instead: other processes, real-time "
	  "threads, a quota of its control group (nr_throttled in cpu.stat)." },
	{ WAIT_CPU_THROTTLED, FINDING_CPU_THROTTLED, "its CPU quota",
	  "Raise the CPU quota of the control group, or lower the number of threads that share it." },
	{ WAIT_IO_BLOCK, FINDING_IO_STALL, "a block device",
	  "Look at the device behind the files in use: its queue and latency (iostat -x), its errors "
	  "(dmesg), and who else writes to it." },
	{ WAIT_IO_PAGECACHE, FINDING_IO_STALL, "pages of a file",
	  "Look at the device behind the file (iostat -x), and whether the file's pages are thrown out "
	  "for want of memory." },
	{ WAIT_IO_SWAP, FINDING_IO_STALL, "pages from swap",
	  "The host is short of memory: give it more, or the processes less." },
	{ WAIT_IO_WRITEBACK, FINDING_IO_STALL, "writes to reach the disk",
	  "Look at the device (iostat -x); write less at once, or sync outside the serving threads." },
	{ WAIT_IO_JOURNAL, FINDING_IO_STALL, "the file system's journal",
	  "Look at the device that holds the journal (iostat -x) and at who syncs most." },
	{ WAIT_IO_NETWORK_FS, FINDING_IO_STALL, "a network file system",
	  "Look at the file server and at the network to it (nfsstat, mountstats)." },
	{ WAIT_IO_FUSE, FINDING_IO_STALL, "a FUSE file system",
	  "Look at the process that serves the file system: it answers late." },
	{ WAIT_MEM_MEMCG_RECLAIM, FINDING_MEMCG_RECLAIM_STALL, "memory within its control group's limit",
	  "Raise the memory limit, or lower what is used; memory.events and memory.stat of the "
	  "group show how it runs into the limit." },
	{ WAIT_MEM_MEMORY_HIGH, FINDING_MEMCG_RECLAIM_STALL, "memory above memory.high",
	  "Raise memory.high: above it every allocation is slowed down on purpose." },
	{ WAIT_MEM_DIRECT_RECLAIM, FINDING_DIRECT_RECLAIM_STALL, "free memory",
	  "The host is short of memory: give it more, or the processes less." },
	{ WAIT_MEM_COMPACTION, FINDING_DIRECT_RECLAIM_STALL, "memory in one piece",
	  "Memory is fragmented: consider transparent huge pages set to madvise." },
};

struct sum {
	uint64_t ns;
	const struct long_wait *longest;
};

static bool within(const struct long_wait *wait, const struct stall *stall)
{
	return wait->start_ns >= stall->start_ns && wait->end_ns <= stall->end_ns && !wait->lock;
}

static const struct class_finding *most(const struct long_wait *waits, size_t count,
					const struct stall *stall, struct sum *ret_sum)
{
	struct sum sums[WAIT_CLASSES] = { 0 };
	const struct class_finding *best = NULL;

	for (size_t i = 0; i < count; i++) {
		struct sum *sum = &sums[waits[i].class];

		if (!within(&waits[i], stall))
			continue;
		sum->ns += waits[i].blocked_ns;
		if (!sum->longest || waits[i].blocked_ns > sum->longest->blocked_ns)
			sum->longest = &waits[i];
	}
	for (size_t i = 0; i < sizeof(class_findings) / sizeof(*class_findings); i++)
		if (sums[class_findings[i].class].ns &&
		    (!best || sums[class_findings[i].class].ns > sums[best->class].ns))
			best = &class_findings[i];
	if (best)
		*ret_sum = sums[best->class];
	return best;
}

/* Each thread once. */
static int add_victims(const struct long_wait *waits, size_t count, const struct stall *stall,
		       enum wait_class class, struct model_finding *finding)
{
	finding->victims = calloc(count + 1, sizeof(*finding->victims));
	if (!finding->victims)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		size_t j = 0;

		if (!within(&waits[i], stall) || waits[i].class != class)
			continue;
		while (j < finding->victim_count && finding->victims[j] != waits[i].thread->tid)
			j++;
		if (j == finding->victim_count)
			finding->victims[finding->victim_count++] = waits[i].thread->tid;
	}
	return 0;
}

int finding_class_add(struct stackfacts *stackfacts,
		      const struct long_wait *waits, size_t count, const struct stall *stall,
		      struct model *model)
{
	struct sum sum = { 0 };
	const struct class_finding *found = most(waits, count, stall, &sum);
	const struct stack_fact *fact;
	struct model_finding *finding;
	int r;

	if (!found)
		return 0;
	fact = stackfacts_get(stackfacts, sum.longest->stack_id);
	finding = finding_append(model, found->kind);
	if (!fact || !finding)
		return -ENOMEM;
	finding->grade = model->coverage.gap_count ? GRADE_PLAUSIBLE : GRADE_STRONG;
	finding->blocked_ns = sum.ns;
	r = add_victims(waits, count, stall, found->class, finding);
	if (!r)
		r = finding_text(&finding->summary, "%zu %s waited %s for %s, the longest %s at a time.",
				 finding->victim_count, finding->victim_count == 1 ? "thread" : "threads",
				 human_duration(sum.ns).text, found->wanted,
				 human_duration(sum.longest->blocked_ns).text);
	if (!r)
		r = finding_evidence(finding, "thread %" PRId32 " (%s) waited longest%s%s; its wait is of class %s",
				     sum.longest->thread->tid, sum.longest->thread->comm,
				     *fact->operation ? ", in " : "", fact->operation,
				     wait_class_name(found->class));
	if (!r)
		r = finding_text(&finding->advice, "%s", found->advice);
	return r;
}

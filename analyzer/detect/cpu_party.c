/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that are added up, since they are one thing to an operator: jobs of one name, the threads
 * of a pool, a process.
 */
#include "analyzer/detect/cpu_party.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One thread, and the name of what it is one of. */
struct member {
	struct cpu_runner runner;
	char name[FT_COMM_BYTES];
};

/* "worker" of worker-12, "kworker" of kworker/1:0: a name without the number of the one thread. */
static void write_family(const char *comm, char *ret_name)
{
	size_t length = strnlen(comm, FT_COMM_BYTES - 1);

	while (length && (isdigit((unsigned char)comm[length - 1]) ||
			  strchr("-_:/.#", comm[length - 1])))
		length--;
	if (!length)
		length = strnlen(comm, FT_COMM_BYTES - 1);
	memset(ret_name, 0, FT_COMM_BYTES);
	memcpy(ret_name, comm, length);
}

static int compare_processes(const void *left, const void *right)
{
	const struct member *a = left, *b = right;
	int32_t a_tgid = a->runner.thread->tgid, b_tgid = b->runner.thread->tgid;

	return (a_tgid > b_tgid) - (a_tgid < b_tgid);
}

static int compare_names(const void *left, const void *right)
{
	const struct member *a = left, *b = right;
	int order = strcmp(a->name, b->name);

	return order ? order : compare_processes(left, right);
}

static bool has_same_name(const struct member *a, const struct member *b)
{
	return !strcmp(a->name, b->name);
}

static bool is_same_process(const struct member *a, const struct member *b)
{
	return a->runner.thread->tgid == b->runner.thread->tgid;
}

/* @member, of @party's name, joins it; @last is who joined before. */
static void join_party(struct cpu_party *party, const struct member *member,
		       const struct member *last)
{
	const char *comm = member->runner.thread->comm;

	if (!last)
		strncpy(party->name, comm, sizeof(party->name) - 1);
	else if (strcmp(party->name, comm) != 0)
		strcat(memcpy(party->name, member->name, FT_COMM_BYTES), "*");
	party->processes += !last || last->runner.thread->tgid != member->runner.thread->tgid;
	party->threads++;
	party->ns += member->runner.ns;
	if (!last || member->runner.ns > party->most.ns)
		party->most = member->runner;
}

/* The party of sorted @members that had most. */
static struct cpu_party find_greatest(const struct member *members, size_t count,
				      bool (*is_same)(const struct member *a, const struct member *b))
{
	struct cpu_party greatest = { .ns = 0 }, party = { .ns = 0 };

	for (size_t i = 0; i < count; i++) {
		const struct member *last = i ? &members[i - 1] : NULL;

		if (last && !is_same(last, &members[i]))
			last = NULL;
		if (!last)
			party = (struct cpu_party){ .ns = 0 };
		join_party(&party, &members[i], last);
		if (party.ns > greatest.ns)
			greatest = party;
	}
	return greatest;
}

static bool is_left_out(struct target *but, int32_t but_tgid, const struct thread *thread)
{
	return thread->tgid <= 0 || thread->tgid == but_tgid ||
	       (but && but->count && target_counts(but, thread));
}

int cpu_parties_find(const struct per_thread *runners, struct target *but, int32_t but_tgid,
		     struct cpu_party *ret_named, struct cpu_party *ret_process)
{
	struct member *members = calloc(per_thread_count(runners) + 1, sizeof(*members));
	size_t count = 0;

	if (!members)
		return -ENOMEM;
	for (size_t i = 0; i < per_thread_count(runners); i++) {
		const struct cpu_runner *runner = per_thread_at(runners, i);

		if (!runner || !runner->thread || is_left_out(but, but_tgid, runner->thread))
			continue;
		members[count].runner = *runner;
		write_family(runner->thread->comm, members[count++].name);
	}
	qsort(members, count, sizeof(*members), compare_names);
	*ret_named = find_greatest(members, count, has_same_name);
	qsort(members, count, sizeof(*members), compare_processes);
	*ret_process = find_greatest(members, count, is_same_process);
	free(members);
	return 0;
}

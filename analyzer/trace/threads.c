/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every thread the capture mentions, by tid and generation.
 */
#include "analyzer/trace/threads.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/util/array.h"

/* Keys are all int64_t and hashed in one step: each segment of a capture names its tasks again. */
static inline unsigned int hash_key(const void *key)
{
	uint64_t word;

	memcpy(&word, key, sizeof(word));
	return (unsigned int)(word * 0x9e3779b97f4a7c15 >> 32);
}

#define HASH_NONFATAL_OOM		    1
#define HASH_FUNCTION(key, bytes, ret_hash) ((void)(bytes), (ret_hash) = hash_key(key))
#include "analyzer/util/hash.h"

/* All threads that had one tid, oldest first. The idle tasks of the CPUs are a lineage each. */
struct lineage {
	int64_t key;
	struct entry *first;
	struct entry *latest; /* NULL after a rewind: the first comes next again */
	UT_hash_handle hh;
};

struct entry {
	struct thread thread;
	struct entry *younger;
};

struct threads {
	struct lineage *lineages;
	struct entry **entries;
	size_t count, capacity;
};

int threads_create(struct threads **ret_threads)
{
	struct threads *threads = calloc(1, sizeof(*threads));

	if (!threads)
		return -ENOMEM;
	*ret_threads = threads;
	return 0;
}

void threads_destroy(struct threads *threads)
{
	if (!threads)
		return;
	hash_free(threads->lineages);
	for (size_t i = 0; i < threads->count; i++)
		free(threads->entries[i]);
	free(threads->entries);
	free(threads);
}

static int64_t make_key(int32_t tid, uint32_t cpu)
{
	return tid ? tid : INT64_MIN + cpu;
}

static struct lineage *find_lineage(struct threads *threads, int64_t key)
{
	struct lineage *lineage;

	HASH_FIND(hh, threads->lineages, &key, sizeof(key), lineage);
	if (lineage)
		return lineage;
	lineage = calloc(1, sizeof(*lineage));
	if (!lineage)
		return NULL;
	lineage->key = key;
	HASH_ADD(hh, threads->lineages, key, sizeof(lineage->key), lineage);
	if (!lineage->hh.tbl) {
		free(lineage);
		return NULL;
	}
	return lineage;
}

static struct entry *create_entry(struct threads *threads, int32_t tid)
{
	struct entry *entry;

	if (threads->count >= THREADS_MAX)
		return NULL;
	if (array_grow(threads->entries, threads->count, threads->capacity))
		return NULL;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->thread.index = threads->count;
	entry->thread.tid = tid;
	entry->thread.tgid = -1;
	entry->thread.idle_task = tid == 0;
	threads->entries[threads->count++] = entry;
	return entry;
}

/* Make the next thread of this tid the latest. On a second replay it is there already. */
static struct thread *advance_lineage(struct threads *threads, struct lineage *lineage, int32_t tid)
{
	struct entry *latest = lineage->latest;
	struct entry *entry = latest ? latest->younger : lineage->first;

	if (!entry) {
		entry = create_entry(threads, tid);
		if (!entry)
			return NULL;
		if (latest) {
			latest->younger = entry;
			entry->thread.former = &latest->thread;
		} else {
			lineage->first = entry;
		}
	}
	lineage->latest = entry;
	return &entry->thread;
}

/* Take over tgid and name. A thread's tgid never changes: the first that is known stays. */
static void describe_thread(struct thread *thread, const struct ft_task *task)
{
	if (thread->tgid < 0 && (task->tgid > 0 || thread->idle_task))
		thread->tgid = task->tgid;
	if (task->comm[0]) {
		memcpy(thread->comm, task->comm, sizeof(thread->comm));
		thread->comm[sizeof(thread->comm) - 1] = '\0';
	}
}

/* Whether @task is not @thread, although it has its tid. */
static bool is_other_thread(const struct thread *thread, const struct ft_task *task)
{
	return thread->tgid > 0 && task->tgid > 0 && thread->tgid != task->tgid &&
	       strncmp(thread->comm, task->comm, sizeof(thread->comm)) != 0;
}

struct thread *threads_get(struct threads *threads, const struct ft_task *task, uint32_t cpu)
{
	struct lineage *lineage = find_lineage(threads, make_key(task->tid, cpu));
	struct thread *thread, *former;

	if (!lineage)
		return NULL;
	former = lineage->latest ? &lineage->latest->thread : NULL;
	thread = former;
	if (!former || former->exited || (!former->idle_task && is_other_thread(former, task))) {
		thread = advance_lineage(threads, lineage, task->tid);
		if (!thread)
			return NULL;
		if (former) {
			former->exited = true;
			thread->born_ns = former->died_ns;
		}
	}
	describe_thread(thread, task);
	return thread;
}

struct thread *threads_born(struct threads *threads, const struct ft_task *task, uint64_t time_ns)
{
	struct lineage *lineage;
	struct thread *thread;

	if (task->tid == 0) /* No fork makes an idle task: this is damage or a made-up capture. */
		return threads_get(threads, task, FT_NO_CPU);
	lineage = find_lineage(threads, task->tid);
	if (!lineage)
		return NULL;
	if (lineage->latest)
		threads_died(&lineage->latest->thread, time_ns);
	thread = advance_lineage(threads, lineage, task->tid);
	if (!thread)
		return NULL;
	thread->born_ns = time_ns;
	describe_thread(thread, task);
	return thread;
}

void threads_died(struct thread *thread, uint64_t time_ns)
{
	thread->exited = true;
	if (!thread->died_ns)
		thread->died_ns = time_ns;
}

void threads_rewind(struct threads *threads)
{
	for (size_t i = 0; i < threads->count; i++) {
		threads->entries[i]->thread.exited = false;
		threads->entries[i]->thread.died_ns = 0;
	}
	for (struct lineage *lineage = threads->lineages; lineage; lineage = lineage->hh.next)
		lineage->latest = NULL;
}

struct thread *threads_find(const struct threads *threads, int32_t tid)
{
	int64_t key = tid;
	struct lineage *lineage;

	HASH_FIND(hh, threads->lineages, &key, sizeof(key), lineage);
	return lineage && lineage->latest ? &lineage->latest->thread : NULL;
}

size_t threads_count(const struct threads *threads)
{
	return threads->count;
}

struct thread *threads_at(const struct threads *threads, size_t index)
{
	return index < threads->count ? &threads->entries[index]->thread : NULL;
}

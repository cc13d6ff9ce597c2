/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The identity of the lock that a thread waits for.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/locks/lock_private.h"

enum wait_class lock_tracker_family_of(enum wait_class class)
{
	if (class == WAIT_LOCK_USER)
		return WAIT_LOCK_FUTEX;
	return class == WAIT_LOCK_MMAP || class == WAIT_LOCK_INODE ? WAIT_LOCK_RWSEM : class;
}

bool lock_tracker_held_in_user_space(enum wait_class class)
{
	return class == WAIT_LOCK_FILE || class == WAIT_LOCK_FUTEX || class == WAIT_LOCK_USER;
}

bool lock_tracker_has_address(enum wait_class class)
{
	return !lock_tracker_held_in_user_space(class);
}

static struct lock_key make_key(const struct thread *thread, const struct wait_reason *reason,
				uint64_t address)
{
	struct lock_key key;

	/* Hashed as bytes: no padding may hold garbage. */
	memset(&key, 0, sizeof(key));
	key.class = reason->class;
	if (reason->class == WAIT_LOCK_USER) {
		key.address = address;
		key.tgid = thread->tgid;
	} else if (reason->class == WAIT_LOCK_MMAP && !reason->remote_mm) {
		key.tgid = thread->tgid;
	} else if (address) {
		key.address = address;
	} else if (reason->class != WAIT_LOCK_FILE && reason->class != WAIT_LOCK_MMAP) {
		key.tgid = thread->tgid;
	}
	return key;
}

static struct lock_entry *create_entry(struct lock_tracker *locks, const struct lock_key *key)
{
	struct lock_entry **entries;
	struct lock_entry *entry;

	entries = reallocarray(locks->entries, locks->entry_count + 1, sizeof(struct lock_entry *));
	if (!entries)
		return NULL;
	locks->entries = entries;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	if (ownership_create(!key->address && (key->class != WAIT_LOCK_MMAP || !key->tgid),
			     &entry->ownership)) {
		free(entry);
		return NULL;
	}
	ownership_watch(entry->ownership, &locks->watcher);
	entry->key = *key;
	entry->lock.class = (enum wait_class)key->class;
	HASH_ADD(hh, locks->by_key, key, sizeof(entry->key), entry);
	entries[locks->entry_count++] = entry;
	return entry;
}

/* An mmap_lock of another process is known by its address, which the entry of that process has too. */
static struct lock_entry *find_mmap_lock(const struct lock_tracker *locks, uint64_t address)
{
	for (size_t i = 0; address && i < locks->entry_count; i++)
		if (locks->entries[i]->lock.class == WAIT_LOCK_MMAP &&
		    locks->entries[i]->lock.address == address)
			return locks->entries[i];
	return NULL;
}

/* Threads of other processes waited for the mmap_lock first: the entry gets its process now. */
static struct lock_entry *adopt_mmap_lock(struct lock_tracker *locks, const struct lock_key *key,
					  uint64_t address)
{
	struct lock_entry *entry = find_mmap_lock(locks, address);

	if (!entry || entry->key.tgid)
		return NULL;
	HASH_DELETE(hh, locks->by_key, entry);
	entry->key = *key;
	entry->lock.tgid = key->tgid;
	HASH_ADD(hh, locks->by_key, key, sizeof(entry->key), entry);
	return entry;
}

/* Memory is used again: where several locks had the same address, the first one is found by it. */
static void set_address(struct lock_tracker *locks, struct lock_entry *entry, uint64_t address)
{
	struct lock_entry *first = NULL;

	entry->lock.address = address;
	if (!lock_tracker_has_address(entry->lock.class))
		return;
	HASH_FIND(at, locks->by_address, &address, sizeof(address), first);
	if (!first)
		HASH_ADD(at, locks->by_address, lock.address, sizeof(entry->lock.address), entry);
}

struct lock_entry *lock_tracker_entry_of(struct lock_tracker *locks, const struct thread *thread,
					 const struct wait_reason *reason, uint64_t address)
{
	struct lock_key key = make_key(thread, reason, address);
	bool other_process = reason->class == WAIT_LOCK_MMAP && reason->remote_mm;
	struct lock_entry *entry = NULL;

	HASH_FIND(hh, locks->by_key, &key, sizeof(key), entry);
	if (!entry && other_process)
		entry = find_mmap_lock(locks, address);
	else if (!entry && reason->class == WAIT_LOCK_MMAP)
		entry = adopt_mmap_lock(locks, &key, address);
	if (!entry)
		entry = create_entry(locks, &key);
	if (!entry)
		return NULL;
	if (!entry->lock.detail)
		entry->lock.detail = reason->detail;
	if (!entry->lock.address && address)
		set_address(locks, entry, address);
	if (!entry->lock.tgid && !other_process)
		entry->lock.tgid = thread->tgid;
	return entry;
}

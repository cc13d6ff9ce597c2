/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which lock is it that a thread waits for.
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

static struct lock_key key_of(const struct thread *thread, const struct wait_reason *reason,
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

static struct lock_entry *entry_create(struct lock_tracker *locks, const struct lock_key *key)
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

/* Another process' mmap_lock is told by its address alone; its owner's entry has that address too. */
static struct lock_entry *mmap_lock_at(const struct lock_tracker *locks, uint64_t address)
{
	for (size_t i = 0; address && i < locks->entry_count; i++)
		if (locks->entries[i]->lock.class == WAIT_LOCK_MMAP &&
		    locks->entries[i]->lock.address == address)
			return locks->entries[i];
	return NULL;
}

/* Others waited for the lock of @key's process first, and did not know whose it is. */
static struct lock_entry *mmap_lock_adopt(struct lock_tracker *locks, const struct lock_key *key,
					  uint64_t address)
{
	struct lock_entry *entry = mmap_lock_at(locks, address);

	if (!entry || entry->key.tgid)
		return NULL;
	HASH_DELETE(hh, locks->by_key, entry);
	entry->key = *key;
	entry->lock.tgid = key->tgid;
	HASH_ADD(hh, locks->by_key, key, sizeof(entry->key), entry);
	return entry;
}

/* Memory is used again: of locks that had the same address one after the other the first is found by it. */
static void place_at(struct lock_tracker *locks, struct lock_entry *entry, uint64_t address)
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
	struct lock_key key = key_of(thread, reason, address);
	bool other_process = reason->class == WAIT_LOCK_MMAP && reason->remote_mm;
	struct lock_entry *entry = NULL;

	HASH_FIND(hh, locks->by_key, &key, sizeof(key), entry);
	if (!entry && other_process)
		entry = mmap_lock_at(locks, address);
	else if (!entry && reason->class == WAIT_LOCK_MMAP)
		entry = mmap_lock_adopt(locks, &key, address);
	if (!entry)
		entry = entry_create(locks, &key);
	if (!entry)
		return NULL;
	if (!entry->lock.detail)
		entry->lock.detail = reason->detail;
	if (!entry->lock.address && address)
		place_at(locks, entry, address);
	if (!entry->lock.tgid && !other_process)
		entry->lock.tgid = thread->tgid;
	return entry;
}

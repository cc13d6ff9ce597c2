/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What uthash leaves to its callers.
 */
#ifndef ANALYZER_UTIL_HASH_H
#define ANALYZER_UTIL_HASH_H

#include <stdlib.h>
#include <uthash.h>

/* Free the table at @head, whose entries have their handle in hh, and each entry. */
#define hash_free(head)								\
	do {									\
		typeof(head) hash_entry_, hash_next_;				\
		HASH_ITER(hh, head, hash_entry_, hash_next_) {			\
			HASH_DEL(head, hash_entry_);				\
			free(hash_entry_);					\
		}								\
	} while (0)

#endif

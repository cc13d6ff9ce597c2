/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service that needs the address-space lock (mmap_lock) in every request, and
 * address ranges so large that a call on them holds it for long.
 */
#ifndef TESTS_WORKLOADS_MM_SERVICE_H
#define TESTS_WORKLOADS_MM_SERVICE_H

#include <stddef.h>

/* Start the workers, who map and unmap. */
void mm_service_start(void);

/* Both are populated with small pages and cost no memory but that of page tables, 2 MB a GB. */

/* One private mapping, every page the zero page; fork() copies it. */
char *mm_large_private(size_t bytes);
/* A file of 256 MB, mapped again and again; pages of it are dear to unmap. */
char *mm_large_shared(size_t bytes);

#define GB ((size_t)1 << 30)

#endif

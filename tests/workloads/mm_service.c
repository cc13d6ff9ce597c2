/* SPDX-License-Identifier: Apache-2.0 */
/* The workers of mm_service.h, and its large ranges. */
#include "config.h"

#include <string.h>
#include <sys/mman.h>

#include "tests/workloads/mm_service.h"
#include "tests/workloads/truth.h"

#define WORKERS	      8
#define REQUEST_BYTES (1u << 20)
#define FILE_BYTES    ((size_t)256 << 20)

static void serve_request(void)
{
	struct truth_shares shares = truth_shares();
	uint64_t start_ns = truth_now_ns();
	char *buffer = mmap(NULL, REQUEST_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	truth_blocked(start_ns, shares);
	if (buffer == MAP_FAILED)
		abort();
	shares = truth_shares();
	start_ns = truth_now_ns();
	*(volatile char *)buffer = 1;
	truth_blocked(start_ns, shares);
	shares = truth_shares();
	start_ns = truth_now_ns();
	munmap(buffer, REQUEST_BYTES);
	truth_blocked(start_ns, shares);
}

void mm_service_start(void)
{
	truth_serve(WORKERS, serve_request);
}

static char *reserve_range(size_t bytes)
{
	char *range = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (range == MAP_FAILED)
		truth_cannot("cannot reserve %zu GB of addresses", bytes / GB);
	madvise(range, bytes, MADV_NOHUGEPAGE);
	return range;
}

struct part {
	char *start;
	size_t bytes;
};

static void *populate_part(void *argument)
{
	const struct part *part = argument;

	if (madvise(part->start, part->bytes, MADV_POPULATE_READ))
		truth_cannot("madvise(MADV_POPULATE_READ) needs Linux 5.14");
	return NULL;
}

/* By two threads: it is what takes longest before the workload is ready. */
static void populate_range(char *range, size_t bytes)
{
	struct part first = { range, bytes / 2 }, second = { range + bytes / 2, bytes / 2 };
	pthread_t thread;

	if (pthread_create(&thread, NULL, populate_part, &second))
		abort();
	populate_part(&first);
	pthread_join(thread, NULL);
}

char *mm_large_private(size_t bytes)
{
	char *range = reserve_range(bytes);

	populate_range(range, bytes);
	range[0] = 1; /* without one page of its own fork() would skip the mapping */
	return range;
}

char *mm_large_shared(size_t bytes)
{
	char *range = reserve_range(bytes);
	int fd = memfd_create("large", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, FILE_BYTES))
		truth_cannot("cannot create a file in memory");
	for (size_t at = 0; at < bytes; at += FILE_BYTES)
		if (mmap(range + at, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
			 0) == MAP_FAILED)
			abort();
	close(fd);
	memset(range, 1, FILE_BYTES);
	populate_range(range, bytes);
	return range;
}

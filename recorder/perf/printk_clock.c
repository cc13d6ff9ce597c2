/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Perf's events are stamped with the same clock where no other is asked for. Naming this
 * thread what it is named already makes such an event, at a moment that is known.
 */
#include "config.h"

#include "recorder/perf/printk_clock.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "recorder/base/clock.h"
#include "recorder/perf/perf_events.h"
#include "recorder/perf/perf_ring.h"

#define TRIES 3 /* the first one is slow */

/* The record's last 8 bytes are the time, which is all that was asked for. */
static int take_time(struct perf_ring *ring, uint64_t *ret_time_ns)
{
	const struct perf_event_header *record;
	size_t bad_bytes;
	int error = -ENODATA;

	perf_ring_begin(ring);
	while ((record = perf_ring_next(ring, &bad_bytes))) {
		if (record->type != PERF_RECORD_COMM ||
		    record->size < sizeof(*record) + sizeof(*ret_time_ns))
			continue;
		memcpy(ret_time_ns, (const uint8_t *)record + record->size - sizeof(*ret_time_ns),
		       sizeof(*ret_time_ns));
		error = 0;
	}
	perf_ring_end(ring);
	return error;
}

static int measure(struct perf_ring *ring, int64_t *ret_offset_ns)
{
	uint64_t shortest_ns = UINT64_MAX;
	char name[16] = "";
	int error = 0;

	prctl(PR_GET_NAME, name);
	for (int i = 0; i < TRIES && !error; i++) {
		uint64_t time_ns = 0, before_ns = clock_now_ns();
		prctl(PR_SET_NAME, name);
		uint64_t took_ns = clock_now_ns() - before_ns;
		error = take_time(ring, &time_ns);
		if (error || took_ns >= shortest_ns)
			continue;
		shortest_ns = took_ns;
		*ret_offset_ns = (int64_t)(before_ns + took_ns / 2 - time_ns);
	}
	return error;
}

int printk_clock_offset(int64_t *ret_offset_ns)
{
	const struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = PERF_SAMPLE_TIME,
		.sample_id_all = 1,
		.comm = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t wrapped[RING_RECORD_BYTES_MAX];
	struct perf_ring ring;
	int64_t offset_ns = 0;

	int fd = perf_events_try(&attr, 0, -1);
	if (fd < 0)
		return fd;
	void *pages = mmap(NULL, 2 * page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	int error = pages == MAP_FAILED ? -errno : 0;
	if (!error) {
		perf_ring_attach(&ring, pages, (uint8_t *)pages + page_bytes, page_bytes, wrapped);
		error = measure(&ring, &offset_ns);
		munmap(pages, 2 * page_bytes);
	}
	close(fd);
	if (!error)
		*ret_offset_ns = offset_ns;
	return error;
}

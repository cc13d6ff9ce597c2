/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/save.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

/* The slots hold seconds of the heaviest load: looking now and then costs the recording path nothing,
 * waking this thread up would. */
#define LOOK_NS 20000000

struct save {
	struct ft_writer *writer;
	struct slots *slots;
	struct seen *seen;
	struct slots_cursor cursor;
	void *buffer;
	uint64_t unwritten_segments, unwritten_events;
	pthread_t thread;
	_Atomic int error;
	_Atomic bool stop;
};

int save_create(struct ft_writer *writer, struct slots *slots, struct seen *seen,
		struct save **ret_save)
{
	struct save *save = calloc(1, sizeof(*save));
	if (!save)
		return -ENOMEM;
	save->writer = writer;
	save->slots = slots;
	save->seen = seen;
	save->buffer = malloc(slots_slot_bytes(slots));
	if (!save->buffer) {
		save_destroy(save);
		return -ENOMEM;
	}
	*ret_save = save;
	return 0;
}

void save_destroy(struct save *save)
{
	if (!save)
		return;
	free(save->buffer);
	free(save);
}

static int write_segment(void *context, const void *segment, size_t segment_bytes)
{
	struct save *save = context;
	int error = ft_writer_segment(save->writer, segment, segment_bytes);
	if (error)
		return error;
	error = seen_segment(save->seen, segment, segment_bytes);
	return error == -ENOMEM ? error : 0;
}

int save_ownlog(struct save *save, struct ownlog *ownlog)
{
	int error = ownlog_take(ownlog, write_segment, save);
	if (error)
		save->error = error;
	return error;
}

/* Write all there is now. After a failure the rest is only counted. */
static void write_all(struct save *save)
{
	size_t bytes;
	uint64_t taken = save->cursor.events - save->cursor.lost_events;
	while (slots_get(save->slots, &save->cursor, save->buffer, &bytes)) {
		int error = save->error;
		if (!error) {
			error = write_segment(save, save->buffer, bytes);
			save->error = error;
		}
		if (error) {
			save->unwritten_segments++;
			save->unwritten_events +=
				save->cursor.events - save->cursor.lost_events - taken;
		}
		taken = save->cursor.events - save->cursor.lost_events;
	}
}

static void *run(void *context)
{
	struct save *save = context;
	pthread_setname_np(pthread_self(), "ft-save");
	while (!save->stop) {
		write_all(save);
		clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ .tv_nsec = LOOK_NS }, NULL);
	}
	write_all(save);
	return NULL;
}

int save_start(struct save *save)
{
	return -pthread_create(&save->thread, NULL, run, save);
}

int save_error(const struct save *save)
{
	return save->error;
}

void save_stop(struct save *save, struct save_result *ret_result)
{
	save->stop = true;
	pthread_join(save->thread, NULL);
	*ret_result = (struct save_result){
		.error = save->error,
		.lost_segments = save->cursor.lost_segments + save->unwritten_segments,
		.lost_events = save->cursor.lost_events + save->unwritten_events,
	};
}

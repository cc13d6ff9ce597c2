/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tests/unit/support/sample_capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture/encoder.h"
#include "capture/writer.h"
#include "tests/unit/support/sample_events.h"

int memory_file(void)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

const char *memory_file_path(int fd)
{
	static char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return path;
}

uint8_t *memory_file_read(int fd, size_t *ret_bytes)
{
	struct stat status;
	uint8_t *bytes;

	assert_int_equal(fstat(fd, &status), 0);
	bytes = malloc((size_t)status.st_size + 1);
	assert_non_null(bytes);
	assert_int_equal(pread(fd, bytes, (size_t)status.st_size, 0), status.st_size);
	*ret_bytes = (size_t)status.st_size;
	return bytes;
}

void memory_file_write(int fd, const void *bytes, size_t count)
{
	assert_int_equal(ftruncate(fd, (off_t)count), 0);
	assert_int_equal(pwrite(fd, bytes, count, 0), count);
}

size_t sample_segment(void *buf, size_t buf_bytes, uint64_t sequence, size_t count)
{
	struct ft_encoder *encoder;
	size_t bytes;

	assert_int_equal(ft_encoder_create(&encoder), 0);
	ft_encoder_begin(encoder, buf, buf_bytes, SAMPLE_CPU, sequence);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(ft_encoder_add(encoder,
						&sample_events[i % sample_events_count]), 0);
	bytes = ft_encoder_seal(encoder);
	ft_encoder_destroy(encoder);
	return bytes;
}

void sample_capture(int fd)
{
	static const char facts[] = "host\0web-17\0tier\0tracepoint";
	struct ft_writer *writer;
	uint8_t buf[8192];

	assert_int_equal(ft_writer_create(fd, &writer), 0);
	assert_int_equal(ft_writer_payload(writer, FT_SEGMENT_FACTS, facts, sizeof(facts)), 0);
	for (uint64_t sequence = 0; sequence < SAMPLE_SEGMENTS; sequence++) {
		size_t bytes = sample_segment(buf, sizeof(buf), sequence, sample_events_count);

		assert_int_equal(ft_writer_segment(writer, buf, bytes), 0);
	}
	assert_int_equal(ft_writer_end(writer), 0);
	ft_writer_destroy(writer);
}

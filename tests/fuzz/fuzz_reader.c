/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hostile bytes for everything that reads a capture: as a file, as a segment, and, because
 * checksums would keep a fuzzer out, as each kind of payload.
 *
 * Files to try are arguments, which suits AFL's @@ and a corpus alike. With -DFT_LIBFUZZER and
 * -fsanitize=fuzzer libFuzzer brings its own main().
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/decoder.h"
#include "capture/encoder.h"
#include "capture/facts.h"
#include "capture/reader.h"
#include "capture/segment.h"
#include "capture/symbols.h"

#define FUZZ_BYTES_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
	if (!holds)
		abort();
}

/* Whatever decodes must be within the limits, hence encode again. */
static void try_events(const void *payload, size_t bytes, uint32_t cpu, uint64_t first_ns)
{
	static uint8_t buf[64u << 10];
	struct ft_decoder *decoder;
	struct ft_encoder *encoder;
	struct ft_event event;
	int error;

	demand(ft_decoder_create(&decoder) == 0);
	demand(ft_encoder_create(&encoder) == 0);
	ft_decoder_begin(decoder, payload, bytes, cpu, first_ns);
	ft_encoder_begin(encoder, buf, sizeof(buf), cpu, 0);
	while (ft_decoder_next(decoder, &event) == 1) {
		demand(event.task - ft_decoder_tasks(decoder) < FT_DICTIONARY_MAX);
		demand(!event.stack ||
		       event.stack - ft_decoder_stacks(decoder) < FT_DICTIONARY_MAX);
		error = ft_encoder_add(encoder, &event);
		if (error == -ENOBUFS) {
			demand(ft_encoder_seal(encoder) <= sizeof(buf));
			ft_encoder_begin(encoder, buf, sizeof(buf), cpu, 0);
			error = ft_encoder_add(encoder, &event);
		}
		demand(error == 0);
	}
	ft_decoder_destroy(decoder);
	ft_encoder_destroy(encoder);
}

static void try_texts(const void *payload, size_t bytes)
{
	struct ft_symbols *symbols;
	struct ft_facts *facts;

	demand(ft_facts_create(&facts) == 0);
	demand(ft_symbols_create(&symbols) == 0);
	ft_facts_read(facts, payload, bytes);
	ft_facts_number(facts, FT_FACT_START_NS, 0);
	ft_symbols_read(symbols, payload, bytes);
	ft_symbols_find(symbols, FT_KERNEL_TGID, 0);
	ft_facts_destroy(facts);
	ft_symbols_destroy(symbols);
}

static void try_file(const uint8_t *data, size_t size)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);
	size_t buffer_bytes = 0;
	struct ft_reader *reader;
	void *buffer = NULL;
	char path[64];

	demand(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (ft_reader_open(path, &reader, NULL) == 0) {
		for (size_t i = 0; i < ft_reader_count(reader); i++) {
			const struct ft_segment *segment = ft_reader_segment(reader, i);

			if (ft_reader_load(reader, i, &buffer, &buffer_bytes))
				continue;
			if (segment->kind == FT_SEGMENT_EVENTS)
				try_events(buffer, segment->inflated_bytes, segment->cpu,
					   segment->first_ns);
			else
				try_texts(buffer, segment->inflated_bytes);
		}
		ft_reader_close(reader);
	}
	free(buffer);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ft_segment segment;
	size_t used;

	if (ft_segment_decode(data, size, &segment, &used) == 0)
		demand(used <= size && used % 8 == 0 && segment.payload_bytes <= used);
	try_events(data, size, 0, 0);
	try_texts(data, size);
	try_file(data, size);
	return 0;
}

#ifndef FT_LIBFUZZER
int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		uint8_t *data = malloc(FUZZ_BYTES_MAX);
		int fd = open(argv[i], O_RDONLY | O_CLOEXEC);
		ssize_t size = fd >= 0 && data ? read(fd, data, FUZZ_BYTES_MAX) : -1;

		if (size < 0) {
			perror(argv[i]);
			return 1;
		}
		close(fd);
		/* exactly as long as the input, so that a sanitizer sees what goes beyond */
		data = realloc(data, (size_t)size + (size == 0));
		LLVMFuzzerTestOneInput(data, (size_t)size);
		free(data);
	}
	return 0;
}
#endif

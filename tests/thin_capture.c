/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A copy of a capture with events missing, as nobody tells of them.
 *
 *	thin_capture [--drop SHARE] [--seed N] [--from SHARE] [--to SHARE] IN OUT
 *
 * --drop: of the events, at random. --from, --to: only what lies between, as shares of the
 * recording's time; the rest was never recorded. What the recorder itself said stays.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/decoder.h"
#include "capture/encoder.h"
#include "capture/facts.h"
#include "capture/reader.h"
#include "capture/writer.h"

struct thinning {
	double drop, from, to;
	uint64_t random_state;
	uint64_t start_ns, end_ns; /* of what is kept */
	struct ft_reader *reader;
	struct ft_writer *writer;
	struct ft_decoder *decoder;
	struct ft_encoder *encoder;
	struct ft_facts *facts;
};

__attribute__((format(printf, 1, 2), noreturn)) static void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("thin_capture: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(EXIT_FAILURE);
}

static void need(int error, const char *what)
{
	if (error)
		fail("%s: %s", what, strerror(-error));
}

static double random_share(struct thinning *thinning)
{
	uint64_t x = thinning->random_state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	thinning->random_state = x;
	return (double)(x >> 11) / (double)(1ull << 53);
}

static bool is_kept(struct thinning *thinning, const struct ft_event *event)
{
	if (event->time_ns < thinning->start_ns || event->time_ns > thinning->end_ns)
		return false;
	return event->cpu == FT_NO_CPU || random_share(thinning) >= thinning->drop;
}

static void begin(struct thinning *thinning, void *buffer, size_t bytes,
		  const struct ft_segment *segment)
{
	ft_encoder_begin(thinning->encoder, buffer, bytes, segment->cpu, segment->sequence);
}

/* One segment for each of those there were, so that no sequence number is missing. */
static void copy_events(struct thinning *thinning, const struct ft_segment *segment,
			const void *payload)
{
	size_t room = FT_SEGMENT_HEADER_BYTES + FT_SEGMENT_PAYLOAD_BYTES_MAX;
	void *buffer = malloc(room);
	struct ft_event event;
	int result;

	if (!buffer)
		fail("not enough memory");
	begin(thinning, buffer, room, segment);
	ft_decoder_begin(thinning->decoder, payload, segment->inflated_bytes, segment->cpu,
			 segment->first_ns);
	while ((result = ft_decoder_next(thinning->decoder, &event)) == 1) {
		if (is_kept(thinning, &event))
			need(ft_encoder_add(thinning->encoder, &event), "an event");
	}
	need(result, "a segment");
	if (ft_decoder_unknown_events(thinning->decoder))
		fail("a segment holds events of kinds that only a later version can copy");
	size_t bytes = ft_encoder_seal(thinning->encoder);
	need(ft_writer_segment(thinning->writer, buffer, bytes), "writing");
	free(buffer);
}

/* The facts come last in a capture, and say which time it is about. */
static void read_facts(struct thinning *thinning)
{
	void *payload = NULL;
	size_t payload_bytes = 0;
	uint64_t start_ns, length_ns;

	for (size_t i = 0; i < ft_reader_count(thinning->reader); i++) {
		const struct ft_segment *segment = ft_reader_segment(thinning->reader, i);

		if (segment->kind != FT_SEGMENT_FACTS)
			continue;
		need(ft_reader_load(thinning->reader, i, &payload, &payload_bytes), "facts");
		need(ft_facts_read(thinning->facts, payload, segment->inflated_bytes), "facts");
	}
	free(payload);
	start_ns = (uint64_t)ft_facts_number(thinning->facts, FT_FACT_START_NS, 0);
	length_ns = (uint64_t)ft_facts_number(thinning->facts, FT_FACT_END_NS, 0) - start_ns;
	thinning->start_ns = start_ns + (uint64_t)((double)length_ns * thinning->from);
	thinning->end_ns = start_ns + (uint64_t)((double)length_ns * thinning->to);
	if (thinning->from > 0) {
		int64_t realtime_ns =
			ft_facts_number(thinning->facts, FT_FACT_START_REALTIME_NS, 0);

		need(ft_facts_set_number(thinning->facts, FT_FACT_START_NS,
					 (int64_t)thinning->start_ns), "facts");
		need(ft_facts_set_number(thinning->facts, FT_FACT_START_REALTIME_NS,
					 realtime_ns + (int64_t)(thinning->start_ns - start_ns)),
		     "facts");
	} else {
		thinning->start_ns = 0;
	}
	if (thinning->to < 1)
		need(ft_facts_set_number(thinning->facts, FT_FACT_END_NS, (int64_t)thinning->end_ns),
		     "facts");
	else
		thinning->end_ns = UINT64_MAX;
}

static void copy(struct thinning *thinning)
{
	void *payload = NULL;
	size_t payload_bytes = 0, facts_bytes;

	for (size_t i = 0; i < ft_reader_count(thinning->reader); i++) {
		const struct ft_segment *segment = ft_reader_segment(thinning->reader, i);

		need(ft_reader_load(thinning->reader, i, &payload, &payload_bytes), "a segment");
		if (segment->kind == FT_SEGMENT_EVENTS)
			copy_events(thinning, segment, payload);
		else if (segment->kind != FT_SEGMENT_FACTS)
			need(ft_writer_payload(thinning->writer, (enum ft_segment_kind)segment->kind,
					       payload, segment->inflated_bytes), "writing");
	}
	free(payload);
	const void *facts = ft_facts_payload(thinning->facts, &facts_bytes);
	need(ft_writer_payload(thinning->writer, FT_SEGMENT_FACTS, facts, facts_bytes), "writing");
	need(ft_writer_end(thinning->writer), "writing");
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "drop", required_argument, NULL, 'd' },
						 { "seed", required_argument, NULL, 's' },
						 { "from", required_argument, NULL, 'f' },
						 { "to", required_argument, NULL, 't' },
						 { 0 } };
	struct thinning thinning = { .to = 1, .random_state = 1 };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (option) {
		case 'd':
			thinning.drop = atof(optarg);
			break;
		case 's':
			thinning.random_state = strtoull(optarg, NULL, 10) * 2654435769u + 1;
			break;
		case 'f':
			thinning.from = atof(optarg);
			break;
		case 't':
			thinning.to = atof(optarg);
			break;
		default:
			return 2;
		}
	}
	if (argc - optind != 2) {
		fprintf(stderr, "Usage: thin_capture [--drop SHARE] [--seed N] [--from SHARE] "
				"[--to SHARE] IN OUT\n");
		return 2;
	}
	int fd = open(argv[optind + 1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		fail("%s: %s", argv[optind + 1], strerror(errno));
	need(ft_reader_open(argv[optind], &thinning.reader, NULL), argv[optind]);
	need(ft_writer_create(fd, &thinning.writer), "writing");
	need(ft_decoder_create(&thinning.decoder), "memory");
	need(ft_encoder_create(&thinning.encoder), "memory");
	need(ft_facts_create(&thinning.facts), "memory");
	read_facts(&thinning);
	copy(&thinning);
	ft_facts_destroy(thinning.facts);
	ft_encoder_destroy(thinning.encoder);
	ft_decoder_destroy(thinning.decoder);
	ft_writer_destroy(thinning.writer);
	ft_reader_close(thinning.reader);
	close(fd);
	return EXIT_SUCCESS;
}

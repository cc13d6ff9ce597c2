/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does doc/FORMAT.md say what the code does? Reads the tables of that page.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/bytes.h"
#include "capture/decoder.h"
#include "capture/event.h"
#include "capture/filelock.h"
#include "capture/format.h"
#include "capture/ringfile.h"
#include "capture/segment.h"
#include "capture/writer.h"
#include "tests/unit/support/sample_capture.h"
#include "tests/unit/support/unit_test.h"

#define C(name) { #name, name, false }

static struct {
	const char *name;
	uint64_t value;
	bool documented;
} constants[] = {
	C(FT_FILE_VERSION), C(FT_FILE_HEADER_BYTES), C(FT_FILE_HEADER_BYTES_MAX),
	C(FT_FEATURE_EXTENDED_EVENTS), C(FT_FEATURES_INCOMPATIBLE), C(FT_FEATURES_COMPATIBLE),
	C(FT_SEGMENT_HEADER_BYTES), C(FT_SEGMENT_PAYLOAD_BYTES_MAX),
	C(FT_SEGMENT_EVENTS), C(FT_SEGMENT_FACTS), C(FT_SEGMENT_SYMBOLS), C(FT_SEGMENT_END),
	C(FT_SEGMENT_DEFLATED), C(FT_NO_CPU),
	C(FT_EVENTS_BASE_BYTES), C(FT_TAG_SWITCH), C(FT_TAG_STATE_SHIFT), C(FT_TAG_STATE_MASK),
	C(FT_TAG_KIND_SHIFT), C(FT_TAG_KIND_MASK), C(FT_TAG_EXTENDED), C(FT_TAG_WAKING_IN_INTERRUPT),
	C(FT_TAG_SAME_TASK), C(FT_TAG_STACK_MASK), C(FT_TAG_STACK_NONE), C(FT_TAG_STACK_AGAIN),
	C(FT_TAG_STACK_INDEX), C(FT_TAG_STACK_NEW),
	C(FT_COMM_BYTES), C(FT_STACK_FRAMES_MAX), C(FT_DICTIONARY_MAX),
	C(FT_DICTIONARY_FRAMES_MAX), C(FT_DICTIONARY_NAMES_MAX), C(FT_TEXT_BYTES_MAX),
	C(FT_NAME_BYTES_MAX), C(FT_EXTENDED_NAMES_MASK), C(FT_EXTENDED_OTHER_TASK),
	C(FT_EXTENDED_KIND_SHIFT), C(FT_EVENT_EXTENDED), C(FT_EVENT_SPAN), C(FT_EVENT_COUNTER),
	C(FT_EVENT_SCHEDULING),
	C(FT_EVENT_OBJECT), C(FT_EVENT_PEER),
	C(FT_OBJECT_OTHER), C(FT_OBJECT_FILE), C(FT_OBJECT_PIPE), C(FT_OBJECT_SOCKET), C(FT_OBJECT_QUEUE),
	C(FT_OBJECT_SEMAPHORES), C(FT_OBJECT_PERMISSION), C(FT_OBJECT_READABLE), C(FT_OBJECT_WRITABLE),
	C(FT_OBJECT_ENDS_KNOWN), C(FT_PEER_LISTENS), C(FT_PEER_LAST),
	C(FT_EVENT_SWITCH), C(FT_EVENT_WAKING), C(FT_EVENT_LOCK_BEGIN), C(FT_EVENT_LOCK_HOLD),
	C(FT_EVENT_SAMPLE), C(FT_EVENT_CALL), C(FT_EVENT_FORK), C(FT_EVENT_COMM),
	C(FT_EVENT_EXIT), C(FT_EVENT_MMAP), C(FT_EVENT_LOST), C(FT_EVENT_STATE),
	C(FT_EVENT_UNWOUND), C(FT_EVENT_EXTRA), C(FT_EVENT_NOTE),
	C(FT_STATE_RUNNING), C(FT_STATE_PREEMPTED), C(FT_STATE_SLEEPING), C(FT_STATE_DISK),
	C(FT_STATE_STOPPED), C(FT_STATE_TRACED), C(FT_STATE_DEAD), C(FT_STATE_PARKED),
	C(FT_STATE_IDLE), C(FT_STATE_OTHER),
	C(FT_CALL_MMAP), C(FT_CALL_MUNMAP), C(FT_CALL_MREMAP), C(FT_CALL_MPROTECT),
	C(FT_CALL_MADVISE), C(FT_CALL_FUTEX), C(FT_CALL_MLOCK), C(FT_CALL_MUNLOCK),
	C(FT_CALL_MLOCKALL),
	C(FT_LOCK_SPIN), C(FT_LOCK_READ), C(FT_LOCK_WRITE), C(FT_LOCK_RT), C(FT_LOCK_PERCPU),
	C(FT_LOCK_MUTEX), C(FT_HOLD_ACQUIRED), C(FT_HOLD_READ),
	C(FT_HOLD_WRITE), C(FT_HOLD_OF_MM),
	C(FT_RINGFILE_VERSION), C(FT_RINGFILE_HEADER_BYTES), C(FT_RINGFILE_FEATURES_INCOMPATIBLE),
	C(FT_RINGFILE_FEATURES_COMPATIBLE), C(FT_RINGFILE_PAGE_BYTES), C(FT_RINGFILE_PUT_AT), C(FT_RINGFILE_SINCE_AT),
	C(FT_RINGFILE_PLACE_BYTES_MIN), C(FT_RINGFILE_PLACE_BYTES_MAX), C(FT_RINGFILE_BYTES_MAX),
	C(FT_RINGFILE_UNPUT_NS_MAX),
	C(FT_SYMBOL_TEXT_BYTES_MAX), C(FT_SYMBOLS_MAX), C(FT_SYMBOLS_TEXT_BYTES_MAX),
};
#define CONSTANTS (sizeof(constants) / sizeof(*constants))

/* Calls @row for each table row with a name in backticks. */
static void for_each_row(void (*row)(const char *section, const char *line))
{
	const char *srcdir = getenv("srcdir");
	char path[4096], line[1024], section[1024] = "";
	FILE *page;

	snprintf(path, sizeof(path), "%s/doc/FORMAT.md", srcdir ? srcdir : ".");
	page = fopen(path, "r");
	if (!page)
		fail_msg("cannot open %s", path);
	while (fgets(line, sizeof(line), page)) {
		assert_non_null(strchr(line, '\n'));
		if (line[0] == '#')
			strcpy(section, line);
		if (line[0] == '|' && strchr(line, '`'))
			row(section, line);
	}
	fclose(page);
}

static void compare_constant(const char *section, const char *line)
{
	unsigned long long value;
	char name[64];

	(void)section;
	if (sscanf(line, "| `%63[A-Z_0-9]` | %llu |", name, &value) != 2)
		return;
	for (size_t i = 0; i < CONSTANTS; i++) {
		if (strcmp(constants[i].name, name) != 0)
			continue;
		if (constants[i].value != value)
			fail_msg("%s is %llu in doc/FORMAT.md and %llu in the code", name, value,
				 (unsigned long long)constants[i].value);
		assert_false(constants[i].documented); /* once */
		constants[i].documented = true;
		return;
	}
	fail_msg("%s of doc/FORMAT.md is not compared with the code", name);
}

static void format_page_has_the_constants_of_the_code(void **state)
{
	(void)state;
	for_each_row(compare_constant);
	for (size_t i = 0; i < CONSTANTS; i++) {
		if (!constants[i].documented)
			fail_msg("%s is missing in doc/FORMAT.md", constants[i].name);
	}
	/* a state or kind added to the code must come here and there */
	assert_int_equal(FT_EVENT_KINDS, FT_EVENT_PEER + 1);
	assert_int_equal(FT_STATES, FT_STATE_OTHER + 1);
	assert_int_equal(FT_CALLS, FT_CALL_MLOCKALL + 1);
	assert_int_equal(FT_STACK_SORTS, 2);
}

static unsigned int kinds_compared;

/* | `FT_EVENT_...` | kind | other task | fields | */
static void compare_kind(const char *section, const char *line)
{
	const struct ft_event_descriptor *descriptor;
	unsigned int kind;
	int at = 0;

	if (strncmp(section, "### Kinds", 9) != 0 ||
	    sscanf(line, "| `FT_EVENT_%*[A-Z_]` | %u | %n", &kind, &at) != 1 || !at)
		return;
	assert_in_range(kind, FT_EVENT_SWITCH, FT_EVENT_KINDS - 1);
	descriptor = &ft_event_descriptors[kind];
	assert_int_equal(line[at] != '|', descriptor->other_at != 0);
	if (kind >= FT_EVENT_EXTENDED)
		assert_int_equal(strstr(line, "names: ") != NULL, descriptor->texts_at[0] != 0);
	kinds_compared++;
}

static void format_page_says_which_kinds_have_another_task_and_names(void **state)
{
	(void)state;
	for_each_row(compare_kind);
	assert_int_equal(kinds_compared, FT_EVENT_KINDS - 1);
}

/* A field of a header whose bytes are @value, little-endian. */
struct field {
	const char *name;
	uint64_t value;
	bool documented;
};

static uint8_t header[64];
static struct field *fields;
static size_t fields_count, next_offset;
static const char *fields_section;

static uint64_t number_at(size_t offset, size_t bytes)
{
	uint64_t number = 0;

	for (size_t i = bytes; i-- > 0;)
		number = number << 8 | header[offset + i];
	return number;
}

static void compare_magic(const char *line, size_t offset, size_t bytes)
{
	const char *hex = strrchr(line, '|');

	while (hex > line && *hex != '`')
		hex--;
	while (hex > line && hex[-1] != '`')
		hex--;
	for (size_t i = 0; i < bytes; i++, hex += 3)
		assert_int_equal(strtoul(hex, NULL, 16), header[offset + i]);
}

static void compare_field(const char *section, const char *line)
{
	size_t offset, bytes;
	char name[64];

	if (strncmp(section, fields_section, strlen(fields_section)) != 0 ||
	    sscanf(line, "| %zu | %zu | `%63[a-z_]` |", &offset, &bytes, name) != 3)
		return;
	assert_int_equal(offset, next_offset);
	next_offset += bytes;
	assert_true(bytes <= 8 && next_offset <= sizeof(header));
	if (strcmp(name, "magic") == 0) {
		compare_magic(line, offset, bytes);
		return;
	}
	if (strcmp(name, "reserved") == 0) {
		assert_int_equal(number_at(offset, bytes), 0);
		return;
	}
	for (size_t i = 0; i < fields_count; i++) {
		if (strcmp(fields[i].name, name) != 0)
			continue;
		if (number_at(offset, bytes) != fields[i].value)
			fail_msg("%s does not lie at %zu as doc/FORMAT.md says", name, offset);
		fields[i].documented = true;
		return;
	}
	fail_msg("%s of doc/FORMAT.md is not compared with the code", name);
}

static void compare_fields(const char *section, struct field *expected, size_t count, size_t bytes)
{
	fields_section = section;
	fields = expected;
	fields_count = count;
	next_offset = 0;
	for_each_row(compare_field);
	assert_int_equal(next_offset, bytes);
	for (size_t i = 0; i < count; i++)
		assert_true(expected[i].documented);
}

/* CRC-32 as the page defines it, not zlib's. */
static uint32_t crc_of(const uint8_t *bytes, size_t count)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < count; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
	}
	return ~crc;
}

static void format_page_describes_the_segment_header(void **state)
{
	const struct ft_segment segment = {
		.kind = 0x11, .flags = 0x22, .cpu = 0x33445566, .sequence = 0x1020304050607080,
		.first_ns = 0x1121314151617181, .last_ns = 0x7222324252627282, .events = 0x778899aa,
		.lost = 0xbbccddee, .payload_bytes = 5, .inflated_bytes = 0x00abcdef,
	};
	uint8_t buf[72] = { [64] = 1, 2, 3, 4, 5, 0xff, 0xff, 0xff };

	(void)state;
	assert_int_equal(ft_segment_encode(&segment, buf, sizeof(buf)), 72);
	assert_memory_equal(buf + 69, "\0\0\0", 3);
	memcpy(header, buf, 64);
	compare_fields("## Segments", (struct field[]){
		{ "kind", segment.kind, false },
		{ "flags", segment.flags, false },
		{ "cpu", segment.cpu, false },
		{ "events", segment.events, false },
		{ "sequence", segment.sequence, false },
		{ "first_ns", segment.first_ns, false },
		{ "last_ns", segment.last_ns, false },
		{ "lost", segment.lost, false },
		{ "payload_bytes", segment.payload_bytes, false },
		{ "inflated_bytes", segment.inflated_bytes, false },
		{ "payload_checksum", crc_of(buf + 64, 8), false },
		{ "header_checksum", crc_of(buf, 60), false },
	}, 12, FT_SEGMENT_HEADER_BYTES);
}

static void format_page_describes_the_file_header(void **state)
{
	int fd = memory_file();
	struct ft_writer *writer;

	(void)state;
	assert_int_equal(ft_writer_create(fd, &writer), 0);
	ft_writer_destroy(writer);
	assert_int_equal(pread(fd, header, sizeof(header), 0), FT_FILE_HEADER_BYTES);
	close(fd);
	compare_fields("## File header", (struct field[]){
		{ "version", FT_FILE_VERSION, false },
		{ "header_bytes", FT_FILE_HEADER_BYTES, false },
		{ "incompatible", FT_FEATURES_INCOMPATIBLE, false },
		{ "compatible", FT_FEATURES_COMPATIBLE, false },
		{ "checksum", crc_of(header, 36), false },
	}, 5, FT_FILE_HEADER_BYTES);
}

static void format_page_describes_the_ring_files_header(void **state)
{
	struct ft_ringfile ring = { .slot_bytes = 4104, .facts_bytes = 8192, .names_bytes = 4112,
				    .own_slots = 3, .event_slots = 5 };
	uint8_t *memory;

	(void)state;
	assert_int_equal(ft_ringfile_place(&ring), 0);
	memory = calloc(1, ring.bytes);
	assert_non_null(memory);
	ft_ringfile_begin(&ring, memory);
	memcpy(header, memory, sizeof(header));
	compare_fields("## Ring file", (struct field[]){
		{ "version", FT_RINGFILE_VERSION, false },
		{ "header_bytes", FT_RINGFILE_HEADER_BYTES, false },
		{ "incompatible", FT_RINGFILE_FEATURES_INCOMPATIBLE, false },
		{ "compatible", FT_RINGFILE_FEATURES_COMPATIBLE, false },
		{ "slot_bytes", ring.slot_bytes, false },
		{ "facts_bytes", ring.facts_bytes, false },
		{ "names_bytes", ring.names_bytes, false },
		{ "own_slots", ring.own_slots, false },
		{ "event_slots", ring.event_slots, false },
		{ "checksum", crc_of(memory, 60), false },
	}, 10, FT_RINGFILE_HEADER_BYTES);
	free(memory);
}

static void format_page_tells_how_notes_that_are_read_again_begin(void **state)
{
	const char *srcdir = getenv("srcdir");
	char path[4096], line[1024];
	bool log = false, file_lock = false;
	FILE *page;

	(void)state;
	snprintf(path, sizeof(path), "%s/doc/FORMAT.md", srcdir ? srcdir : ".");
	page = fopen(path, "r");
	assert_non_null(page);
	while (fgets(line, sizeof(line), page)) {
		log = log || strstr(line, "`" FT_NOTE_KERNEL_LOG "`");
		file_lock = file_lock || strstr(line, "`" FT_NOTE_FILE_LOCK "`");
	}
	fclose(page);
	assert_true(log && file_lock);
}

UNIT_TESTS(format_page)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(format_page_tells_how_notes_that_are_read_again_begin),
		cmocka_unit_test(format_page_has_the_constants_of_the_code),
		cmocka_unit_test(format_page_says_which_kinds_have_another_task_and_names),
		cmocka_unit_test(format_page_describes_the_segment_header),
		cmocka_unit_test(format_page_describes_the_file_header),
		cmocka_unit_test(format_page_describes_the_ring_files_header),
	};

	return run_unit_tests(tests, NULL, NULL);
}

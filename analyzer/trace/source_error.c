/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with an input file, and what to do, as text for a person.
 */
#include "config.h"

#include "analyzer/trace/source_error.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/util/text.h"

/* Files that are no input, by their first bytes. */
static const struct {
	const char *magic;
	size_t magic_bytes;
	const char *is, *next_step;
} other_kinds[] = {
	{ "PERFILE2", 8, "is a perf.data file, which this version of analyze cannot read",
	  "Record with 'recorder capture', or look at it with 'perf sched timehist'." },
	{ "\x1f\x8b", 2, "is compressed with gzip", "Decompress it first: gzip -d FILE" },
	{ "\xfd" "7zXZ", 6, "is compressed with xz", "Decompress it first: xz -d FILE" },
	{ "\x28\xb5\x2f\xfd", 4, "is compressed with zstd", "Decompress it first: zstd -d FILE" },
	{ "BZh", 3, "is compressed with bzip2", "Decompress it first: bzip2 -d FILE" },
};

/* Where the history may be instead. */
#define OTHER_RINGS                                                                           \
	"What a recorder before it held is beside it, as .old; a recorder that still runs "   \
	"writes a capture when asked by 'recorder trigger'."

static char *describe_other_file(const char *path)
{
	char head[16] = "";
	ssize_t got = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd >= 0) {
		got = read(fd, head, sizeof(head));
		close(fd);
	}
	for (size_t i = 0; i < sizeof(other_kinds) / sizeof(other_kinds[0]); i++) {
		if (got >= (ssize_t)other_kinds[i].magic_bytes &&
		    memcmp(head, other_kinds[i].magic, other_kinds[i].magic_bytes) == 0)
			return text_printf("%s: %s.\n  %s", path, other_kinds[i].is,
					 other_kinds[i].next_step);
	}
	if (got == sizeof(head) && memcmp(head, (char[sizeof(head)]){ 0 }, sizeof(head)) == 0)
		return text_printf("%s: begins with zeros: nothing was written to it, or what was is lost, as in a"
			    " ring file that somebody emptied.\n"
			    "  " OTHER_RINGS, path);
	return text_printf("%s: does not begin as a freezetrap capture does.\n"
		    "  Give a file that 'recorder capture' wrote. If it is one, it was changed on its"
		    " way: copy it again, as binary.", path);
}

static char *describe_version(const char *path, int missing_feature)
{
	if (missing_feature < 0)
		return text_printf("%s: is in a version of the capture format that this analyze does not"
			    " know.\n  Read it with a newer analyze.", path);
	return text_printf("%s: needs feature %d of the capture format, which this analyze does not know.\n"
		    "  Read it with a newer analyze.", path, missing_feature);
}

char *source_refusal_text(const char *path, int error, int missing_feature)
{
	switch (error) {
	case -EISDIR:
		return text_printf("%s: is a directory.\n  Give a capture file in it.", path);
	case -ESPIPE:
		return text_printf("%s: is not a regular file.\n"
			    "  Save what it gives into a file and give that.", path);
	case -ENODATA:
		return text_printf("%s: is empty, or ends before a capture's header does.\n"
			    "  Nothing was recorded in it; see what recorder said when it wrote it.",
			    path);
	case -EBADMSG:
		return text_printf("%s: the header of the capture is damaged.\n"
			    "  Copy it again from where it was recorded, as binary.", path);
	case -ENOMSG:
		return describe_other_file(path);
	case -EOPNOTSUPP:
		return describe_version(path, missing_feature);
	case -ENOENT:
		return text_printf("%s: %s.\n  Check the name.", path, strerror(-error));
	case -EACCES:
	case -EPERM:
		return text_printf("%s: cannot be read: %s.\n"
			    "  Read it as the user who recorded it, or let that user change its mode.",
			    path, strerror(-error));
	case -ENOMEM:
		return text_printf("%s: not enough memory to open it.\n"
			    "  Analyze it on a host with more; any Linux host will do.", path);
	default:
		return text_printf("%s: cannot be read: %s.\n  Copy it to another disk and try again.",
			    path, strerror(-error));
	}
}

static char *describe_damage(const char *path, const struct ft_damage *damage,
			     uint32_t unreadable)
{
	uint32_t holes = damage->bad_segments - unreadable;

	if (damage->first_error == -EBADMSG)
		return text_printf("%s: %" PRIu32 " damaged region%s, the first at offset %" PRIu64
			    " (checksum or lengths do not fit), %" PRIu64 " bytes in all%s.",
			    path, holes, holes == 1 ? "" : "s", damage->first_bad_offset,
			    damage->skipped_bytes,
			    damage->torn ? "; and the end mark is missing" : "");
	if (damage->torn && damage->skipped_bytes)
		return text_printf("%s: segment %" PRIu32 " at offset %" PRIu64
			    ": the file ends in the middle of it.",
			    path, damage->segments + 1, damage->first_bad_offset);
	if (damage->torn)
		return text_printf("%s: the end mark is missing at offset %" PRIu64
			    ": the recording did not finish, or the file was cut.",
			    path, damage->first_bad_offset);
	return text_printf("%s: %" PRIu32 " segment%s cannot be decoded.", path, unreadable,
		    unreadable == 1 ? "" : "s");
}

char *source_damage_text_of(const char *path, const struct ft_damage *damage, uint32_t unreadable,
			    uint64_t used_ns)
{
	uint32_t used = damage->segments > unreadable ? damage->segments - unreadable : 0;
	char *first = describe_damage(path, damage, unreadable);
	const char *missing;
	char *made;

	if (!first)
		return NULL;
	if (damage->first_error == -ENODATA && !unreadable)
		missing = "What came later is not in this report.";
	else
		missing = "What is missing between them is marked as lost in this report.";
	if (!used)
		made = text_printf("%s\n  Nothing before it is whole, so there is nothing to report on.", first);
	else
		made = text_printf("%s\n  Used the %" PRIu32 " whole segment%s (%.1f s). %s", first, used,
		    used == 1 ? "" : "s", used_ns / 1e9, missing);
	free(first);
	return made;
}

char *source_cut_ring_text(const char *path, uint64_t bytes)
{
	return text_printf("%s: this ring file was cut to %" PRIu64 " bytes.\n"
		    "  What lay behind them is not in this report. A recorder that still runs goes on in"
		    " memory: take a capture from it with 'recorder trigger'.", path, bytes);
}

char *source_zeroed_ring_text(const char *path, uint32_t segments)
{
	return text_printf("%s: %" PRIu32 " segment%s of this ring file %s overwritten with zeros: somebody cut it"
		    " and made it longer again.\n"
		    "  What they held is marked as lost in this report, or came after its end. A recorder that"
		    " still runs goes on: take a capture from it with 'recorder trigger'.",
		    path, segments, segments == 1 ? "" : "s", segments == 1 ? "was" : "were");
}

char *source_empty_ring_text(const char *path)
{
	return text_printf("%s: an empty ring file: its recorder was killed before it had armed, or has only just"
		    " begun, or somebody cut the file.\n  " OTHER_RINGS, path);
}

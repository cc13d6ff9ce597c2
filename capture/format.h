/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of doc/FORMAT.md on which writing and reading must agree and which no
 * other module needs. A test compares that page with them.
 */
#ifndef FT_CAPTURE_FORMAT_H
#define FT_CAPTURE_FORMAT_H

/* The header of a file. The magic holds a byte above 0x7f and both line ends: they
 * show when a capture was sent as text. */
#define FT_FILE_MAGIC "\x89" "FTC\r\n\x1a\n"
#define FT_FILE_MAGIC_BYTES 8
#define FT_FILE_VERSION 1
#define FT_FILE_HEADER_BYTES 40
#define FT_FILE_HEADER_BYTES_MAX 4096
#define FT_FEATURE_EXTENDED_EVENTS 1 /* incompatible: there may be events of extended kinds */
#define FT_FEATURES_INCOMPATIBLE FT_FEATURE_EXTENDED_EVENTS /* known to this version, set in all it writes */
#define FT_FEATURES_COMPATIBLE 0

/* An event begins with a tag byte. A switch: */
#define FT_TAG_SWITCH 0x80
#define FT_TAG_STATE_SHIFT 3 /* 4 bits, enum ft_task_state */
#define FT_TAG_STATE_MASK 0x0f
/* Any other event: the kind in bits 3 to 6; 1, the kind of a switch, is a waking in an interrupt; 0 is
 * an event of an extended kind. */
#define FT_TAG_KIND_SHIFT 3
#define FT_TAG_EXTENDED 0
#define FT_TAG_KIND_MASK 0x0f
#define FT_TAG_WAKING_IN_INTERRUPT 1
/* In each of them: */
#define FT_TAG_SAME_TASK 0x04 /* the task is the one last named; none follows */
#define FT_TAG_STACK_MASK 0x03

enum ft_tag_stack {
	FT_TAG_STACK_NONE = 0,
	FT_TAG_STACK_AGAIN = 1,	/* the task's last one in an event of this sort; none follows */
	FT_TAG_STACK_INDEX = 2,	/* its place in the dictionary follows */
	FT_TAG_STACK_NEW = 3,	/* its definition follows */
};

/* What "of this sort" means above: a task waits in one place and wakes others in another. */
enum ft_stack_sort { FT_STACK_SORT_SWITCH, FT_STACK_SORT_OTHER, FT_STACK_SORTS };

/* The form of an extended event, a varint behind its time: what precedes the payload, and the kind. */
#define FT_EXTENDED_NAMES_MASK 0x03 /* number of names */
#define FT_EXTENDED_OTHER_TASK 0x04
#define FT_EXTENDED_KIND_SHIFT 3
#define FT_EVENT_EXTENDED 16 /* the first extended kind, enum ft_event_kind; 0 in the form */

/* A note that begins so is a line of the kernel's log. */
#define FT_NOTE_KERNEL_LOG "kernel log: "
/* And one that begins so tells that a probe has waited for a good answer for so long when the note was made; the
 * text behind it says whether it still did. */
#define FT_NOTE_PROBE "probe: "
#define FT_NOTE_PROBE_OPEN " without a good answer so far"
#define FT_NOTE_PROBE_OVER " without a good answer, which came now"

#define FT_EVENTS_BASE_BYTES 8 /* at the payload's start: base time - first_ns */

/* Symbols */
#define FT_SYMBOL_TEXT_BYTES_MAX 4096 /* zero included; longer names are cut */
#define FT_SYMBOLS_MAX (1u << 20)
#define FT_SYMBOLS_TEXT_BYTES_MAX (64u << 20) /* all distinct texts of a capture */

#endif

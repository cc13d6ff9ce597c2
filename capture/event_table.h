/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of event kinds: whose event it is, and its fields in the order of
 * their bytes. Encoder, decoder and ft_event_descriptors[] are generated from it.
 *
 *	ROW(kind, whose, other task, fields, texts ...)
 *	FIELD(type, member)	a field in the payload, encoded as the type says
 *	AT(member)		a member that the row only names: the other task, or a text
 *
 * whose is TASK or NOBODY. The other task follows the task. A text of a kind
 * below FT_EVENT_EXTENDED follows the fields; those of other kinds are names,
 * which are interned and precede the payload.
 *
 * A type is a put_TYPE() in encoder.c, a get_TYPE() in decoder.c and a row in
 * doc/FORMAT.md, "Kinds and their fields":
 *	tag_state	enum ft_task_state, in the tag
 *	state, call	enum ft_task_state, enum ft_call: one byte
 *	flag		bool: one byte
 *	u32, u64	varint
 *	s64		signed varint
 *	lock_address	signed distance from the lock address before
 *	time_before	signed distance back from the event's time
 */
#ifndef FT_CAPTURE_EVENT_TABLE_H
#define FT_CAPTURE_EVENT_TABLE_H

#include "capture/event.h"

#define FT_EVENT_TABLE(ROW, FIELD, AT)							\
	ROW(SWITCH, TASK, AT(switch_.next), FIELD(tag_state, switch_.prev_state))	\
	ROW(WAKING, TASK, AT(waking.wakee), )						\
	ROW(LOCK_BEGIN, TASK, 0,							\
	    FIELD(lock_address, lock_begin.address) FIELD(u32, lock_begin.flags))	\
	ROW(LOCK_HOLD, TASK, 0,								\
	    FIELD(lock_address, lock_hold.address) FIELD(u32, lock_hold.flags))		\
	ROW(SAMPLE, TASK, 0, )								\
	ROW(CALL, TASK, 0,								\
	    FIELD(call, call.call) FIELD(u64, call.args[0]) FIELD(u64, call.args[1])	\
	    FIELD(u64, call.args[2]) FIELD(u64, call.args[3]))				\
	ROW(FORK, TASK, AT(fork.child), )						\
	ROW(COMM, TASK, 0, FIELD(flag, comm.exec))					\
	ROW(EXIT, TASK, 0, )								\
	ROW(MMAP, TASK, 0,								\
	    FIELD(u64, mmap.start) FIELD(u64, mmap.length_bytes)			\
	    FIELD(u64, mmap.offset_bytes), AT(mmap.path))				\
	ROW(LOST, NOBODY, 0, FIELD(time_before, lost.start_ns) FIELD(u64, lost.records))	\
	ROW(STATE, TASK, 0,								\
	    FIELD(state, state.state) FIELD(s64, state.syscall)				\
	    FIELD(u64, state.args[0]) FIELD(u64, state.args[1])				\
	    FIELD(u64, state.args[2]) FIELD(u64, state.args[3])				\
	    FIELD(u64, state.args[4]) FIELD(u64, state.args[5])				\
	    FIELD(u64, state.running_ns) FIELD(u64, state.delay_ns))			\
	ROW(UNWOUND, TASK, 0, )								\
	ROW(EXTRA, TASK, 0, , AT(extra.name))						\
	ROW(NOTE, NOBODY, 0, , AT(note.text))						\
	ROW(SPAN, TASK, 0,								\
	    FIELD(flag, span.end) FIELD(u64, span.key) FIELD(s64, span.value),		\
	    AT(span.name))								\
	ROW(COUNTER, NOBODY, 0, FIELD(s64, counter.value),				\
	    AT(counter.name), AT(counter.scope))					\
	ROW(SCHEDULING, TASK, 0,							\
	    FIELD(u32, scheduling.policy) FIELD(u32, scheduling.priority)		\
	    FIELD(s64, scheduling.nice),						\
	    AT(scheduling.cpus), AT(scheduling.group))				\
	ROW(OBJECT, TASK, 0,								\
	    FIELD(u32, object.object) FIELD(u32, object.flags)				\
	    FIELD(u64, object.number) FIELD(u64, object.inode)				\
	    FIELD(u32, object.major) FIELD(u32, object.minor)				\
	    FIELD(u32, object.ends),							\
	    AT(object.name), AT(object.device))						\
	ROW(PEER, TASK, AT(peer.task), FIELD(u32, peer.flags))

/* For those that need one half of a row. */
#define FT_EVENT_TABLE_NOTHING(...)

/* A row as a case of a switch (kind): its fields are terms that continue a condition. */
#define FT_EVENT_CASE(kind, whose, other, fields, ...) \
	case FT_EVENT_##kind:                          \
		return true fields;

#endif

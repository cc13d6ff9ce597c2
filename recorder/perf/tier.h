/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events that a recording consists of: those of a tier, and presets that -e adds.
 */
#ifndef RECORDER_PERF_TIER_H
#define RECORDER_PERF_TIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/event.h"
#include "recorder/perf/tracepoint_format.h"

/*
 * Of so many interruptible waits MODE_SAMPLED takes the stack of one, on each CPU. It is odd, so
 * that two threads that take turns are both seen.
 */
#define TIER_STACK_PERIOD 17

/* The least length of a large call. */
#define TIER_LARGE_BYTES "67108864"
#define TIER_SAMPLE_HZ 49		/* out of step with work that runs at 50 or 100 Hz */
#define TIER_DUMP_BYTES 16384		/* of the user's stack at a large call */

/* What translate_record() makes of the records of an event. */
enum tier_role {
	ROLE_TASKS = 1,		/* no samples: FORK, COMM, EXIT, MMAP2 */
	ROLE_SWITCH,	/* fields: prev_comm, prev_pid, prev_state, next_comm, next_pid */
	ROLE_WAKING,		/* fields: comm, pid */
	ROLE_LOCK_BEGIN,	/* fields: lock_addr, flags */
	ROLE_LOCK_HOLD,		/* fields: lock_addr, or mm and write; hold tells which */
	ROLE_CALL,		/* fields: those of the arguments that struct ft_event keeps */
	ROLE_SAMPLE,
	ROLE_EXTRA,
};

/*
 * How much is recorded, from most to least. The events of all modes are opened at the start, and
 * perf_events_set_mode() changes the mode while recording.
 */
enum tier_mode {
	MODE_FULL,	/* a stack wherever a thread blocks, and of each waker */
	MODE_BLOCK_STACKS,	/* a stack wherever a thread blocks */
	MODE_SAMPLED,	/* a stack of every uninterruptible wait and of every 17th interruptible one */
	MODE_DEFERRED_STACKS,	/* a stack where a thread blocks uninterruptibly */
	MODE_TIMING,	/* no stacks of switches and wakings */
	TIER_MODES
};

#define IN_MODE(mode) (1u << (mode))

/* Which stacks of switches @mode takes: "full", "sampled", "lazy" or "timing". */
const char *tier_stacks_name(enum tier_mode mode);

struct tier_event {
	enum tier_role role;
	uint8_t modes;			/* IN_MODE() of the modes that record it; 0: all do */
	enum ft_call call;		/* of ROLE_CALL */
	uint32_t hold;			/* of ROLE_LOCK_HOLD: FT_HOLD_*, but not how it is held */
	const char *subsystem;		/* NULL: not a tracepoint */
	const char *name;
	const char *filter;		/* evaluated in the kernel; NULL: none */
	const char *fields[TRACEPOINT_FIELDS_MAX];
	uint32_t period;		/* records one of so many that pass the filter; 0: each */
	uint16_t stack_frames;		/* at most so many; 0: no stack */
	bool user_stack;		/* frames of the user too */
	bool user_dump;			/* registers and a piece of the user's stack */
	bool optional;			/* without it the rest is still worth recording */
	bool rare;			/* most kernels lack it: not worth a message */
	bool on_demand;			/* opened while recording, with a filter that is known then */
};

struct tier {
	const char *name;
	const char *gives;		/* for people */
	const char *lacks;
	const struct tier_event *events;
	size_t event_count;
};

/* Several events that -e asks for by one name. */
struct tier_preset {
	const char *name;
	const struct tier_event *events;
	size_t event_count;
};

extern const struct tier_preset TIER_PRESETS[];
extern const size_t TIER_PRESET_COUNT;

extern const struct tier TRACEPOINT_TIER;

#endif

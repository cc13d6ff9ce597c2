/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From which figure on a sign counts: all thresholds of the detectors, each with its unit and its meaning. Unit tests
 * stand on both sides of them: tests/unit/analyzer/detect/test_thresholds.c says which have none.
 *
 * How long a stall is, is no threshold: it is detect_context.long_ns, as --stall says. Figures in nanoseconds here do
 * not depend on it, for the reason given with each.
 */
#ifndef ANALYZER_DETECT_THRESHOLDS_H
#define ANALYZER_DETECT_THRESHOLDS_H

/* The order of findings (detectors.c). */
#define WINDOW_COVERED_PERCENT 50u /* of the time somebody waited: a candidate that covers so much explains the trigger */
#define BESIDE_PERCENT 10u	   /* of what the first finding explains: a second one is told from that on */
#define EVIDENCE_TIMES 2u	   /* evidence is believed before so many times the time of less direct evidence */
#define NAMED_TIMES 2u		   /* without a name a candidate must explain so many times as much */

/* Several detectors. */
#define PAUSE_STALL_PERCENT 50u /* of --stall: unknown time, or a wait that hurts, shorter than that does not end a run */

/* stopped_process.c */
#define STOPPED_PERCENT 10u		 /* of the time lost in the stall: a process stopped for less did not make it */
#define SIGNAL_TO_STOP_NS 1000000000ull /* a thread stops itself so soon after the signal; later only without a CPU */

/* host_pause.c */
#define PAUSE_OF_ALL_PERCENT 50u /* more of a CPU's pause in one of all CPUs: it is a part of that */
#define PAUSE_COVERS_PERCENT 50u /* of the time somebody waited: then a thread that seems to have run did not */

/* deadlock.c */
#define DEADLOCK_STILL_NS 1000000000ull /* nothing moved for so long; less may be a slow hold, of whatever makes a stall */
#define OTHER_ACTIVE_PERCENT 10u	/* more of that time active: another thread may hold one of the locks */
#define OTHER_UNKNOWN_PERCENT 50u	/* likewise, more of it not known */
#define OTHER_ASLEEP_PERCENT 50u	/* likewise, more of it asleep, by one that has held them */

/* lock_convoy*.c */
#define CALL_BEFORE_HOLD_NS 1000000000ull /* a call is behind a hold that it began so long before, by queueing for the lock */
#define CALL_IN_HOLD_PERCENT 50u /* of the hold, from its start: a call that begins later is not behind it */
#define LOCK_STRONG_PERCENT 50u	 /* of the wait that releases prove: the charge is strong; exact ones: exact */
#define HELD_AGAIN_PERCENT 50u	 /* of the stall: many holds, the longest shorter than that, made it together */
#define HOLDER_STARVED_PERCENT 50u /* more of the hold without a CPU: the holder is short of CPU itself */
#define HOLD_WHY_PERCENT 10u	 /* of the hold not running: what the holder waited for needs an explanation */
#define HOLD_TOLD_PERCENT 5u	 /* of the hold: a wait of the holder, or who ran instead, is told */
#define CANDIDATE_PERCENT 1u	 /* of the wait: the most blamed thread is told where nobody is named */

/* resource_wait.c */
#define RESOURCE_VICTIM_NS 10000000ull /* in all the stall, or --stall if that is shorter: who lost less is no victim */
#define RESOURCE_SERVED_PERCENT 50u    /* of the waits: who ended so many serves the FUSE file system */
#define RESOURCE_TOLD_PERCENT 10u      /* of the waits: an operation, or who ended them, is told */
#define RESOURCE_CLASS_PERCENT 1u      /* of the waits: a class is told beside others */
#define SERVER_BLOCKED_PERCENT 50u     /* of the longest wait for the server: it was blocked, rather than ran */

/* cpu_starvation*.c */
#define STARVED_WAIT_NS 10000000ull    /* or --stall if that is shorter: shorter waits are how CPUs are shared */
#define STARVED_VICTIM_PERCENT 25u     /* of the stall: who lost less is no victim */
#define STARVED_MOST_PERCENT 50u       /* of the time lost: to a quota, to idle CPUs, to one thread or process */
#define NEVER_GIVES_WAY_NS 100000000ull /* in one go, though others are queued: the fair scheduler takes turns far sooner */

/* slow_producer*.c */
#define PRODUCER_MOST_PERCENT 75u   /* of the longest wait: what the producer did then */
#define PRODUCER_HALF_PERCENT 50u   /* of the longest wait: blocked for so much in one go, or not known */
#define PRODUCER_TIMES_USUAL 5u	    /* a run is unusual that is so many times as long as any at other times */
#define PRODUCER_WORKS_PERCENT 10u  /* of its usual rate: one that wakes others more often works as always */
#define PRODUCER_ASKS_LEAST 20u	    /* sleeps of the victim between what it asks for: it paces itself, and asks */
#define PRODUCER_STACKS_LEAST 5u    /* fewer stacks do not tell what it was in most of the time */
#define PRODUCER_ENDED_PERCENT 10u  /* of such waits before: the producer ended so many at least */
#define PRODUCER_APART_PERCENT 50u  /* of a run that somebody waited for: less, and it is a usual one */
#define PRODUCER_STRONG_WAITS 100u  /* waits before the stall from which a rhythm is known well */
#define PRODUCER_STRONG_PERCENT 50u /* of those waits that the producer ended: its part in them is known well */
#define PRODUCER_QUEUED_PERCENT 5u  /* of its run: wanting a CPU for more is worth being told */

/* spin*.c */
#define SPIN_LOOP_BYTES 64u	   /* between two samples: a loop that only looks at a lock has so few instructions */
#define SPIN_LOOP_PERCENT 80u	   /* of a run's samples in one loop: it spins in user space */
#define SPIN_KERNEL_PERCENT 50u	   /* of a run's samples in the slow path: it spins in the kernel rather than works */
#define SPIN_SAMPLES_LEAST 2u	   /* of a run, in the loop or the slow path: fewer prove nothing */
#define SPIN_SAMPLES_LEAST_ALL 10u /* of all runs: fewer prove nothing */
#define SPIN_SLEPT_PERCENT 90u	   /* of the spinning: who slept through so much of it may hold the lock */
#define SPIN_FREED_NS 20000000ull  /* after the sleeper ran again a spinner goes on so soon: a few ticks of the scheduler */
#define SPIN_STRONG_SAMPLES 100u   /* in the kernel's slow path: so many are no accident */

/* busy_thread.c */
#define BUSY_COVERS_PERCENT 75u	       /* of the time somebody waited: some count from the last good answer on */
#define BUSY_RAN_PERCENT 10u	       /* of its run on a CPU: with less it was starved rather than busy */
#define BUSY_PAUSES_PERCENT 10u	       /* of its run: with more in pauses it waited for something after all */
#define BUSY_QUESTION_NS 2000000000ull /* the first question that waits comes so late: probes ask each second */
#define BUSY_SERVES_LEAST 20u	       /* waits for questions: one that serves has waited for so many */
#define BUSY_TIMES_USUAL 5u	       /* so many times as long as anything else it did: where nobody says since when */
#define BUSY_SLEEP_TIMES 2u	       /* more than so many times as long as its other sleeps: it is not used to it */

/* no_stall.c */
#define DOUBT_UNKNOWN_PERCENT 10u /* of the target's time: more that is not known may hide anything */

/* coverage.c */
#define VERDICT_UNKNOWN_PERCENT 50u /* of the target's time: with more not known there is no verdict */
#define CONTRADICTIONS_OF 1000u	    /* switches: more than one of so many contradicts, events are missing */
#define CONTRADICTIONS_FEW 10u	    /* contradictions: so few may be of threads that did too little to be known for it */
#define HUNG_NS 60000000000ull	    /* a wait for a lock: the hung-task detector may have told it (it is set to two minutes) */

/* tables.c */
#define TABLE_MOST_PERCENT 50u /* more of what is charged to an owner decides its grade; of an idle lock's wait, that it is one */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From which figure on a sign counts: all thresholds of the detectors, with unit and meaning. Unit
 * tests stand on both sides of each; test_thresholds.c names those that have none yet.
 *
 * How long a stall is, is no threshold: it is detect_context.long_ns, as --stall says. Figures in
 * nanoseconds do not depend on it where they come from the kernel, the recorder or its probes.
 */
#ifndef ANALYZER_DETECT_THRESHOLDS_H
#define ANALYZER_DETECT_THRESHOLDS_H

/* The order of findings (detectors.c). */
#define WINDOW_COVERED_PERCENT 50u /* of the time somebody waited: it explains the trigger */
#define BESIDE_PERCENT 10u /* of what the first finding explains: a second one is told */
#define EVIDENCE_TIMES 2u /* evidence counts so many times as much as less direct evidence */
#define NAMED_TIMES 2u /* a candidate with a name counts so many times as much as without */

/* Runs of a thread (busy_thread.c, spin.c). */
#define PAUSE_STALL_PERCENT 50u /* of --stall: shorter pauses, or unknown time, end no run */

/* stopped_process.c */
#define STOPPED_PERCENT 10u /* of the time lost in the stall: less did not make it */
#define SIGNAL_TO_STOP_NS 1000000000ull /* from the signal to the stop: it gets a CPU by then */

/* host_pause.c */
#define PAUSE_OF_ALL_PERCENT 50u /* more of a CPU's pause in one of all CPUs: a part of that */
#define PAUSE_COVERS_PERCENT 50u /* of the time somebody waited: nobody ran in so much of it */

/* deadlock.c, deadlock_end.c, stuck_wait.c */
#define DEADLOCK_STILL_NS 1000000000ull /* nothing moved: less may be one long hold */
#define OTHER_ACTIVE_PERCENT 10u /* more of that time active: it may hold one of the locks */
#define OTHER_UNKNOWN_PERCENT 50u /* more of it not known: likewise */
#define OTHER_ASLEEP_PERCENT 50u /* more of it asleep, by one that has held them: likewise */
#define DEADLOCK_GONE_NS 1000000000ull /* from the end of a wait to its thread's: it was killed */
#define PARTNER_WAITS_LEAST 8u /* wake-ups at a pipe or socket: fewer do not tell who is there */
#define PARTNER_PERCENT 75u /* of those wake-ups: that one is at the other end */
#define PARTNER_TIMES_USUAL 5u /* so many times as long as ever before: the answer does not come */

/* lock_convoy.c, lock_convoy_cause.c, lock_convoy_evidence.c */
#define CALL_BEFORE_HOLD_NS 1000000000ull /* from a call to the hold that it waited for */
#define CALL_IN_HOLD_PERCENT 50u /* of the hold: a call that begins later is not behind it */
#define LOCK_STRONG_PERCENT 50u /* of the wait, by releases: strong; as the kernel says: exact */
#define HELD_AGAIN_PERCENT 50u /* of the stall: holds that are all shorter made it together */
#define HOLDER_STARVED_PERCENT 50u /* more of the hold without a CPU: it is short of CPU */
#define HOLD_WHY_PERCENT 10u /* of the hold not running: that needs an explanation */
#define HOLD_TOLD_PERCENT 5u /* of the hold: a wait of the holder, or who ran instead, is told */
#define CANDIDATE_PERCENT 1u /* of the wait: the most blamed thread is told where nobody is named */

/* resource_wait.c */
#define RESOURCE_VICTIM_NS 10000000ull /* or --stall if shorter: who lost less is no victim */
#define RESOURCE_SERVED_PERCENT 50u /* of the waits: who ended them serves the FUSE file system */
#define RESOURCE_TOLD_PERCENT 10u /* of the waits: an operation, or who ended them, is told */
#define RESOURCE_CLASS_PERCENT 1u /* of the waits: a class is told beside others */
#define OBJECT_PERCENT 50u /* of the waits whose object is known: that object is told */
#define PEER_RAN_PERCENT 50u /* more of the longest wait running: that thread of the other end is told */
#define SERVER_BLOCKED_PERCENT 50u /* of the longest wait for the server: it was blocked itself */

/* cpu_starvation.c, cpu_starvation_cause.c, cpu_starvation_finding.c */
#define STARVED_WAIT_NS 10000000ull /* or --stall if shorter: less is how CPUs are shared */
#define STARVED_VICTIM_PERCENT 25u /* of the stall: who lost less is no victim */
#define STARVED_MOST_PERCENT 50u /* of the wait: a quota, idle CPUs, a thread took it */
#define STARVED_ALONE_PERCENT 75u /* of what all of its name had: it is named without them */
#define NEVER_GIVES_WAY_NS 100000000ull /* in one go: the fair scheduler takes turns far sooner */

/* slow_producer.c, slow_producer_profile.c, slow_producer_finding.c */
#define PRODUCER_MOST_PERCENT 75u /* of the longest wait, or of stacks: that is what it did then */
#define PRODUCER_HALF_PERCENT 50u /* of the longest wait: blocked in one go, or not known */
#define PRODUCER_TIMES_USUAL 5u /* a run is so many times as long as any other: it is unusual */
#define PRODUCER_WORKS_PERCENT 10u /* of its usual rate of wake-ups: with more it works as always */
#define PRODUCER_ASKS_LEAST 20u /* sleeps of the victim: it paces itself, and asks */
#define PRODUCER_STACKS_LEAST 5u /* stacks: fewer do not tell what it was in */
#define PRODUCER_ENDED_PERCENT 10u /* of such waits before: who ended fewer is not their producer */
#define PRODUCER_APART_PERCENT 50u /* of a run that was waited for: with less it is usual */
#define PRODUCER_STRONG_WAITS 100u /* waits before the stall: their rhythm is known well */
#define PRODUCER_STRONG_PERCENT 50u /* of those waits: who ended them is known well */
#define PRODUCER_QUEUED_PERCENT 5u /* of its run: wanting a CPU for more is told */

/* spin.c, spin_finding.c */
#define SPIN_LOOP_BYTES 64u /* between two samples: a loop that only looks at a lock is so short */
#define SPIN_LOOP_PERCENT 80u /* of a run's samples in one loop: it spins in user space */
#define SPIN_KERNEL_PERCENT 50u /* of a run's samples in the slow path: it spins in the kernel */
#define SPIN_SAMPLES_LEAST 2u /* samples of a run in loop or slow path: fewer prove nothing */
#define SPIN_SAMPLES_LEAST_ALL 10u /* samples of all runs: fewer prove nothing */
#define SPIN_SLEPT_PERCENT 90u /* of the spinning: who slept through it may hold the lock */
#define SPIN_FREED_NS 20000000ull /* from its run to the first spinner that goes on: a few ticks */
#define SPIN_STRONG_SAMPLES 100u /* samples in the kernel's slow path: so many are no accident */

/* standstill.c */
#define STILL_TOGETHER_NS 50000000ull /* from one to the next that goes on: one wake-up let both go */
#define STILL_MOST_PERCENT 75u /* of the longest pause: who let them go ran in so much of it */
#define STILL_HALF_PERCENT 50u /* of it: it slept, or waited, in one go */
#define STILL_CLIENTS_LEAST 2u /* threads of other processes: one may have asked for something long */
#define STILL_ACTIVE_LEAST 8u /* waits expected meanwhile, at its usual pace: a thread is active */
#define STILL_WAKINGS_LEAST 20u /* of members by members: fewer say nothing */
#define STILL_CLOSED_PERCENT 75u /* of all wakings of members: nobody outside feeds them */
#define STILL_PEER_PERCENT 5u /* of those wakings: who did so few of them is none of the round */
#define STILL_CLOSED_MOST 64u /* members: more are not looked at for that */
#define STILL_WOKEN_LEAST 8u /* wakings of others meanwhile: who ran so much works as always */
#define STILL_OPEN_NS 1000000000ull /* until the capture ended: less may be a pause like any */
#define STILL_GONE_NS 500000000ull /* from the end of a thread to the stop of the others */
#define STILL_HANDOFFS_LEAST 8u /* between it and the others, each way: with fewer they shared no lock */

/* busy_thread.c */
#define BUSY_COVERS_PERCENT 75u /* of the time somebody waited: probes count from before */
#define BUSY_RAN_PERCENT 10u /* of its run on a CPU: with less it was starved */
#define BUSY_LIMITED_PERCENT 50u /* likewise, where a quota or limit keeps it from a CPU */
#define BUSY_PAUSES_PERCENT 10u /* of its run: with more in pauses it waited for something */
#define BUSY_QUESTION_NS 2000000000ull /* from its begin to a question: probes ask often */
#define BUSY_SERVES_LEAST 20u /* waits for questions: one that serves has so many */
#define BUSY_TIMES_USUAL 5u /* so many times as long as all else: where nobody says since when */
#define BUSY_SLEEP_TIMES 2u /* more than so many times its other sleeps: it is not used to it */

/* no_stall.c */
#define DOUBT_UNKNOWN_PERCENT 10u /* of the target's time: more unknown may hide anything */

/* coverage.c */
#define VERDICT_UNKNOWN_PERCENT 50u /* of the target's time: more unknown, and no verdict */
#define CONTRADICTIONS_OF 1000u /* switches: if more than one contradicts, some are missing */
#define CONTRADICTIONS_FEW 10u /* contradictions: so few say nothing */
#define HUNG_NS 60000000000ull /* a wait: the hung-task detector may have told it */

/* tables.c */
#define TABLE_MOST_PERCENT 50u /* more of what is charged to one decides */

#endif

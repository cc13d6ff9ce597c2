# Everything but main() is a library, so that tests can link it.
noinst_LIBRARIES += analyzer/libanalyzer.a
analyzer_libanalyzer_a_SOURCES = \
	analyzer/activity/wait_stats.c analyzer/activity/wait_stats.h \
	analyzer/analysis.c analyzer/analysis.h \
	analyzer/trace/recorder_events.c analyzer/trace/recorder_events.h \
	analyzer/blame/delay_breakdown.c analyzer/blame/delay_breakdown.h \
	analyzer/blame/blame_table.c analyzer/blame/blame_table.h \
	analyzer/trace/per_thread.c analyzer/trace/per_thread.h \
	analyzer/trace/large_calls.c analyzer/trace/large_calls.h \
	analyzer/blame/wait_chain.c analyzer/blame/wait_chain.h \
	analyzer/blame/root_cause.c analyzer/blame/root_cause.h \
	analyzer/chosen.c analyzer/chosen.h \
	analyzer/compare.c analyzer/compare.h \
	analyzer/compare_findings.c \
	analyzer/compare_locks.c \
	analyzer/compare_names.c analyzer/compare_names.h \
	analyzer/compare_say.c analyzer/compare_say.h \
	analyzer/compare_table.c analyzer/compare_table.h \
	analyzer/compare_threads.c \
	analyzer/compare_waits.c \
	analyzer/convoy.h analyzer/convoy_advice.c analyzer/convoy_evidence.c \
	analyzer/deadlock.c analyzer/deadlock.h \
	analyzer/conduct.c analyzer/conduct.h \
	analyzer/coverage.c analyzer/coverage.h \
	analyzer/activity/cpu_occupants.c analyzer/activity/cpu_occupants.h \
	analyzer/activity/thread_waits.c analyzer/activity/thread_waits.h \
	analyzer/episode.c analyzer/episode.h \
	analyzer/explain.c analyzer/explain.h \
	analyzer/explain_fill.c analyzer/explain_fill.h \
	analyzer/explain_step.c analyzer/explain_step.h \
	analyzer/trace/event_counts.c analyzer/trace/event_counts.h \
	analyzer/finding.c analyzer/finding.h \
	analyzer/finding_class.c analyzer/finding_class.h \
	analyzer/finding_starved.c \
	analyzer/findings.c analyzer/findings.h \
	analyzer/feeder.c analyzer/feeder.h \
	analyzer/findings_deadlock.c \
	analyzer/findings_episode.c \
	analyzer/findings_feeder.c \
	analyzer/findings_silence.c \
	analyzer/findings_spin.c \
	analyzer/findings_stopped.c \
	analyzer/findings_why.c analyzer/findings_why.h \
	analyzer/trace/frame_name.c analyzer/trace/frame_name.h \
	analyzer/activity/thread_history.c analyzer/activity/thread_history.h \
	analyzer/locks/futex_classify.c analyzer/locks/futex_classify.h \
	analyzer/sliced.c analyzer/sliced.h \
	analyzer/locks/futex_handoff.c analyzer/locks/futex_handoff.h \
	analyzer/activity/span_summary.c analyzer/activity/span_summary.h \
	analyzer/locks/hold_events.c analyzer/locks/hold_events.h \
	analyzer/locks/hung_task.c analyzer/locks/hung_task.h \
	analyzer/util/human.c analyzer/util/human.h \
	analyzer/activity/instead.c analyzer/activity/instead.h \
	analyzer/util/json_writer.c analyzer/util/json_writer.h \
	analyzer/json_compare.c \
	analyzer/json_explain.c \
	analyzer/json_fields.c analyzer/json_fields.h \
	analyzer/json_why.c analyzer/json_why.h \
	analyzer/locks/proc_locks.c analyzer/locks/proc_locks.h \
	analyzer/locks/lock_private.h analyzer/locks/lock_hung_task.c \
	analyzer/locks/lock_at_end.c analyzer/locks/lock_proc_locks.c analyzer/locks/lock_identity.c \
	analyzer/locks/lock_tracker.c analyzer/locks/lock_tracker.h \
	analyzer/trace/lost_spans.c analyzer/trace/lost_spans.h \
	analyzer/util/min_heap.c analyzer/util/min_heap.h \
	analyzer/locks/mmap_lock_offset.c analyzer/locks/mmap_lock_offset.h \
	analyzer/model.c analyzer/model.h \
	analyzer/moment.c analyzer/moment.h \
	analyzer/timeline/kernel_operation.c analyzer/timeline/kernel_operation.h \
	analyzer/options.c analyzer/options.h \
	analyzer/locks/ownership.c analyzer/locks/ownership.h \
	analyzer/util/text_layout.c analyzer/util/text_layout.h \
	analyzer/locks/replay.c analyzer/locks/replay.h \
	analyzer/blame/queued_writer.c analyzer/blame/queued_writer.h \
	analyzer/activity/cpu_profile.c analyzer/activity/cpu_profile.h \
	analyzer/locks/futex_wakes.c analyzer/locks/futex_wakes.h \
	analyzer/render.h \
	analyzer/render_folded.c \
	analyzer/render_json.c \
	analyzer/render_text.c \
	analyzer/activity/lock_bursts.c analyzer/activity/lock_bursts.h \
	analyzer/shortage.c analyzer/shortage.h \
	analyzer/silence.c analyzer/silence.h \
	analyzer/timeline/thread_state.c analyzer/timeline/thread_state.h \
	analyzer/trace/source.c analyzer/trace/source.h \
	analyzer/trace/source_error.c analyzer/trace/source_error.h \
	analyzer/spin.c analyzer/spin.h \
	analyzer/timeline/stack_info.c analyzer/timeline/stack_info.h \
	analyzer/trace/stack_table.c analyzer/trace/stack_table.h \
	analyzer/activity/stall.c analyzer/activity/stall.h \
	analyzer/starved.c analyzer/starved.h \
	analyzer/stopped.c analyzer/stopped.h \
	analyzer/trace/cpu_stream.c analyzer/trace/cpu_stream.h \
	analyzer/blame/lock_chain.c analyzer/blame/lock_chain.h \
	analyzer/survey.c analyzer/survey.h \
	analyzer/blame/contended_lock.c analyzer/blame/contended_lock.h \
	analyzer/tables.c analyzer/tables.h \
	analyzer/trace/target.c analyzer/trace/target.h \
	analyzer/util/terminal.c analyzer/util/terminal.h \
	analyzer/text.h \
	analyzer/text_blame.c \
	analyzer/text_compare.c \
	analyzer/text_coverage.c \
	analyzer/text_explain.c \
	analyzer/text_findings.c \
	analyzer/text_headline.c \
	analyzer/text_stack.c \
	analyzer/text_tables.c \
	analyzer/trace/threads.c analyzer/trace/threads.h \
	analyzer/timeline/timeline.c analyzer/timeline/timeline.h \
	analyzer/util/span.h \
	analyzer/activity/event_excerpt.c analyzer/activity/event_excerpt.h \
	analyzer/trace/trigger.c analyzer/trace/trigger.h \
	analyzer/timeline/missing_switches.c analyzer/timeline/missing_switches.h \
	analyzer/activity/wait_baseline.c analyzer/activity/wait_baseline.h \
	analyzer/util/utf8.c analyzer/util/utf8.h \
	analyzer/activity/wait_groups.c analyzer/activity/wait_groups.h \
	analyzer/timeline/wait_class.c analyzer/timeline/wait_class.h \
	analyzer/timeline/wait_rules.c analyzer/timeline/wait_rules.h

bin_PROGRAMS += analyzer/analyze
analyzer_analyze_SOURCES = analyzer/main.c
ANALYZER_LIBS = analyzer/libanalyzer.a capture/libcapture.a $(ZLIB_LIBS)
analyzer_analyze_LDADD = $(ANALYZER_LIBS)

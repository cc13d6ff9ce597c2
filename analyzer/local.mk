# Everything but main() is a library, so that tests can link it.
noinst_LIBRARIES += analyzer/libanalyzer.a
analyzer_libanalyzer_a_SOURCES = \
	analyzer/activity/pauses.c analyzer/activity/pauses.h \
	analyzer/detect/dead_owner.c analyzer/detect/dead_owner.h \
	analyzer/detect/standstill.c analyzer/detect/standstill.h analyzer/detect/standstill_finding.c \
	analyzer/detect/standstill_sign.c \
	analyzer/activity/long_waits.c analyzer/activity/long_waits.h \
	analyzer/activity/wait_objects.c analyzer/activity/wait_objects.h \
	analyzer/activity/wait_stats.c analyzer/activity/wait_stats.h \
	analyzer/analysis.c analyzer/analysis.h \
	analyzer/trace/recorder_events.c analyzer/trace/recorder_events.h \
	analyzer/blame/delay_breakdown.c analyzer/blame/delay_breakdown.h \
	analyzer/blame/blame_table.c analyzer/blame/blame_table.h \
	analyzer/trace/per_thread.c analyzer/trace/per_thread.h \
	analyzer/trace/large_calls.c analyzer/trace/large_calls.h \
	analyzer/trace/scheduling.c analyzer/trace/scheduling.h \
	analyzer/blame/wait_chain.c analyzer/blame/wait_chain.h \
	analyzer/blame/root_cause.c analyzer/blame/root_cause.h \
	analyzer/explain/wait_select.c analyzer/explain/wait_select.h \
	analyzer/compare/compare.c analyzer/compare/compare.h \
	analyzer/compare/compare_private.h \
	analyzer/compare/compare_rows.c \
	analyzer/compare/compare_table.c \
	analyzer/compare/compare_verdict.c \
	analyzer/activity/cpu_occupants.c analyzer/activity/cpu_occupants.h \
	analyzer/activity/thread_waits.c analyzer/activity/thread_waits.h \
	analyzer/detect/busy_thread.c analyzer/detect/coverage.c analyzer/detect/coverage.h \
	analyzer/detect/cpu_party.c analyzer/detect/cpu_party.h \
	analyzer/detect/cpu_starvation.c analyzer/detect/cpu_starvation.h \
	analyzer/detect/cpu_starvation_cause.c analyzer/detect/cpu_starvation_finding.c \
	analyzer/detect/cpu_starvation_words.c analyzer/detect/cpu_starvation_words.h \
	analyzer/detect/run_queue.c analyzer/detect/run_queue.h \
	analyzer/detect/deadlock.c analyzer/detect/deadlock.h analyzer/detect/deadlock_finding.c \
	analyzer/detect/deadlock_circle.c analyzer/detect/deadlock_end.c \
	analyzer/detect/stuck_wait.c analyzer/detect/stuck_wait.h \
	analyzer/detect/detectors.c analyzer/detect/detectors.h analyzer/detect/thresholds.h \
	analyzer/detect/finding.c analyzer/detect/finding.h \
	analyzer/detect/host_pause.c \
	analyzer/detect/lock_convoy.c analyzer/detect/lock_convoy.h \
	analyzer/detect/lock_convoy_cause.c analyzer/detect/lock_convoy_evidence.c \
	analyzer/detect/resource_object.c analyzer/detect/resource_object.h \
	analyzer/detect/no_stall.c analyzer/detect/resource_wait.c analyzer/detect/resource_wait.h \
	analyzer/detect/resource_wait_finding.c \
	analyzer/detect/slow_producer.c analyzer/detect/slow_producer.h \
	analyzer/detect/slow_producer_finding.c analyzer/detect/slow_producer_profile.c \
	analyzer/detect/spin.c analyzer/detect/spin.h analyzer/detect/spin_finding.c \
	analyzer/detect/stopped_process.c analyzer/detect/tables.c analyzer/detect/tables.h \
	analyzer/detect/timed_lock.c \
	analyzer/explain/explain.c analyzer/explain/explain.h \
	analyzer/explain/explain_view.c analyzer/explain/explain_view.h \
	analyzer/trace/event_counts.c analyzer/trace/event_counts.h \
	analyzer/util/grade.c analyzer/util/grade.h \
	analyzer/trace/frame_name.c analyzer/trace/frame_name.h \
	analyzer/activity/history.c analyzer/activity/history.h analyzer/activity/history_private.h \
	analyzer/activity/history_fill.c analyzer/activity/history_pieces.c analyzer/activity/history_store.c \
	analyzer/locks/futex_locks.c analyzer/locks/futex_locks.h \
	analyzer/locks/futex_handoff.c analyzer/locks/futex_handoff.h \
	analyzer/activity/span_summary.c analyzer/activity/span_summary.h \
	analyzer/activity/stack_sums.c analyzer/activity/stack_sums.h \
	analyzer/locks/hold_events.c analyzer/locks/hold_events.h \
	analyzer/locks/hold_list.c analyzer/locks/hold_list.h \
	analyzer/locks/hung_task.c analyzer/locks/hung_task.h \
	analyzer/util/human.c analyzer/util/human.h \
	analyzer/util/json_writer.c analyzer/util/json_writer.h \
	analyzer/report/json_compare.c \
	analyzer/report/json_explain.c \
	analyzer/locks/proc_locks.c analyzer/locks/proc_locks.h \
	analyzer/locks/lock_private.h \
	analyzer/locks/lock_at_end.c analyzer/locks/lock_identity.c \
	analyzer/locks/lock_tracker.c analyzer/locks/lock_tracker.h \
	analyzer/trace/lost_spans.c analyzer/trace/lost_spans.h \
	analyzer/util/min_heap.c analyzer/util/min_heap.h \
	analyzer/locks/mmap_lock_offset.c analyzer/locks/mmap_lock_offset.h \
	analyzer/model.c analyzer/model.h \
	analyzer/explain/wait_spec.c analyzer/explain/wait_spec.h \
	analyzer/timeline/kernel_operation.c analyzer/timeline/kernel_operation.h \
	analyzer/options.c analyzer/options.h \
	analyzer/locks/ownership.c analyzer/locks/ownership.h \
	analyzer/locks/ownership_charge.c analyzer/locks/ownership_private.h \
	analyzer/util/text.c analyzer/util/text.h \
	analyzer/util/text_layout.c analyzer/util/text_layout.h \
	analyzer/locks/replay.c analyzer/locks/replay.h \
	analyzer/blame/queued_writer.c analyzer/blame/queued_writer.h \
	analyzer/activity/cpu_profile.c analyzer/activity/cpu_profile.h \
	analyzer/locks/futex_value.c analyzer/locks/futex_value.h \
	analyzer/locks/futex_wakes.c analyzer/locks/futex_wakes.h \
	analyzer/report/report.h analyzer/report/report_private.h \
	analyzer/report/renderers.c \
	analyzer/report/folded_report.c \
	analyzer/report/json_report.c \
	analyzer/report/text_report.c \
	analyzer/activity/wait_episode.c analyzer/activity/wait_episode.h \
	analyzer/timeline/thread_state.c analyzer/timeline/thread_state_private.h \
	analyzer/timeline/thread_switch.c analyzer/timeline/thread_switch_private.h \
	analyzer/trace/capture_source.c analyzer/trace/source_private.h \
	analyzer/trace/event_merge.c analyzer/trace/event_merge.h \
	analyzer/trace/source.c analyzer/trace/source.h \
	analyzer/trace/source_error.c analyzer/trace/source_error.h \
	analyzer/timeline/stack_info.c analyzer/timeline/stack_info.h \
	analyzer/trace/stack_table.c analyzer/trace/stack_table.h \
	analyzer/activity/stall.c analyzer/activity/stall.h \
	analyzer/trace/cpu_stream.c analyzer/trace/cpu_stream.h \
	analyzer/blame/lock_chain.c analyzer/blame/lock_chain.h \
	analyzer/blame/contended_victims.c \
	analyzer/blame/lock_turns.c analyzer/blame/lock_turns.h \
	analyzer/activity/observations.c analyzer/activity/observations.h \
	analyzer/activity/victims.c analyzer/activity/victims.h \
	analyzer/locks/prescan.c analyzer/locks/prescan.h \
	analyzer/trace/cpu_gaps.c analyzer/trace/cpu_gaps.h \
	analyzer/blame/contended_lock.c analyzer/blame/contended_lock.h \
	analyzer/trace/target.c analyzer/trace/target.h \
	analyzer/util/terminal.c analyzer/util/terminal.h \
	analyzer/report/text_compare.c \
	analyzer/report/text_excerpt.c \
	analyzer/report/text_explain.c \
	analyzer/report/text_stack.c \
	analyzer/report/text_tables.c \
	analyzer/trace/threads.c analyzer/trace/threads.h \
	analyzer/timeline/timeline.c analyzer/timeline/timeline.h \
	analyzer/util/array.h analyzer/util/hash.h analyzer/util/span.h \
	analyzer/activity/event_excerpt.c analyzer/activity/event_excerpt.h \
	analyzer/activity/excerpt_events.c analyzer/activity/excerpt_events.h \
	analyzer/trace/trigger.c analyzer/trace/trigger.h \
	analyzer/timeline/missing_switches.c analyzer/timeline/missing_switches.h \
	analyzer/activity/wait_baseline.c analyzer/activity/wait_baseline.h \
	analyzer/util/utf8.c analyzer/util/utf8.h \
	analyzer/activity/wait_estimate.c analyzer/activity/wait_estimate.h \
	analyzer/activity/wait_groups.c analyzer/activity/wait_groups.h \
	analyzer/activity/wake_root.c analyzer/activity/wake_root.h \
	analyzer/timeline/wait_class.c analyzer/timeline/wait_class.h \
	analyzer/timeline/wait_rule_index.c analyzer/timeline/wait_rule_index_private.h \
	analyzer/timeline/wait_rules.c analyzer/timeline/wait_rules.h

bin_PROGRAMS += analyzer/analyze
analyzer_analyze_SOURCES = analyzer/main.c
ANALYZER_LIBS = analyzer/libanalyzer.a capture/libcapture.a $(ZLIB_LIBS)
analyzer_analyze_LDADD = $(ANALYZER_LIBS)

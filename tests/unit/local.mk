# One program of unit tests a folder: tests/unit/PROGRAM/FOLDER/test_MODULE.c is in tests/unit/PROGRAM/test_FOLDER.
# A new file of tests is one line here (see tests/unit/support/unit_test.h).
check_LIBRARIES += tests/unit/support/libunit.a
tests_unit_support_libunit_a_SOURCES = \
	tests/unit/support/actors.c tests/unit/support/actors.h \
	tests/unit/support/codec.c tests/unit/support/codec.h \
	tests/unit/support/fake_recorder.c tests/unit/support/fake_recorder.h \
	tests/unit/support/guard.c tests/unit/support/guard.h \
	tests/unit/support/kstack.c tests/unit/support/kstack.h \
	tests/unit/support/lab.c tests/unit/support/lab.h \
	tests/unit/support/maker.c tests/unit/support/maker.h \
	tests/unit/support/probe_fixture.c tests/unit/support/probe_fixture.h \
	tests/unit/support/records.c tests/unit/support/records.h \
	tests/unit/support/render_cases.c tests/unit/support/render_cases.h \
	tests/unit/support/ring_rig.c tests/unit/support/ring_rig.h \
	tests/unit/support/sample_capture.c tests/unit/support/sample_capture.h \
	tests/unit/support/sample_events.c tests/unit/support/sample_events.h \
	tests/unit/support/scene.c tests/unit/support/scene.h \
	tests/unit/support/server.c tests/unit/support/server.h \
	tests/unit/support/timeline_bench.c tests/unit/support/timeline_bench.h \
	tests/unit/support/tracepoint_formats.h \
	tests/unit/support/unit_test.c tests/unit/support/unit_test.h
tests_unit_support_libunit_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)

CAPTURE_UNIT_LIBS = tests/unit/support/libunit.a capture/libcapture.a $(ZLIB_LIBS) $(CMOCKA_LIBS)
ANALYZER_UNIT_LIBS = tests/unit/support/libunit.a $(ANALYZER_LIBS) $(JANSSON_LIBS) $(CMOCKA_LIBS)
RECORDER_UNIT_LIBS = tests/unit/support/libunit.a $(RECORDER_LIBS) $(CMOCKA_LIBS)

# The first takes the longest.
UNIT_TESTS = \
	tests/unit/recorder/test_trigger \
	tests/unit/test_capture \
	tests/unit/analyzer/test_util tests/unit/analyzer/test_trace \
	tests/unit/analyzer/test_timeline tests/unit/analyzer/test_locks \
	tests/unit/analyzer/test_activity tests/unit/analyzer/test_blame \
	tests/unit/analyzer/test_detect tests/unit/analyzer/test_explain \
	tests/unit/analyzer/test_compare tests/unit/analyzer/test_report \
	tests/unit/analyzer/test_program \
	tests/unit/recorder/test_base tests/unit/recorder/test_symbols \
	tests/unit/recorder/test_buffer tests/unit/recorder/test_proc tests/unit/recorder/test_perf \
	tests/unit/recorder/test_record tests/unit/recorder/test_write tests/unit/recorder/test_arm \
	tests/unit/recorder/test_cli tests/unit/recorder/test_capture_hook \
	tests/unit/recorder/test_trigger_dispatch
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)

tests_unit_test_capture_SOURCES = \
	tests/unit/capture/test_decoder.c \
	tests/unit/capture/test_encoder.c \
	tests/unit/capture/test_facts.c \
	tests/unit/capture/test_format_0_1_0.c \
	tests/unit/capture/test_format_page.c \
	tests/unit/capture/test_reader.c \
	tests/unit/capture/test_ringfile.c \
	tests/unit/capture/test_ringfile_torn.c \
	tests/unit/capture/test_segment.c \
	tests/unit/capture/test_symbols.c \
	tests/unit/capture/test_writer.c
tests_unit_test_capture_LDADD = $(CAPTURE_UNIT_LIBS)

tests_unit_analyzer_test_util_SOURCES = \
	tests/unit/analyzer/util/test_array.c \
	tests/unit/analyzer/util/test_human.c \
	tests/unit/analyzer/util/test_json_writer.c \
	tests/unit/analyzer/util/test_min_heap.c \
	tests/unit/analyzer/util/test_span.c \
	tests/unit/analyzer/util/test_terminal.c
tests_unit_analyzer_test_util_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_analyzer_test_util_LDADD = $(ANALYZER_UNIT_LIBS)

tests_unit_analyzer_test_trace_SOURCES = \
	tests/unit/analyzer/trace/test_cpu_stream.c \
	tests/unit/analyzer/trace/test_event_counts.c \
	tests/unit/analyzer/trace/test_large_calls.c \
	tests/unit/analyzer/trace/test_lost_spans.c \
	tests/unit/analyzer/trace/test_scheduling.c \
	tests/unit/analyzer/trace/test_source.c \
	tests/unit/analyzer/trace/test_source_damage.c \
	tests/unit/analyzer/trace/test_source_ring.c \
	tests/unit/analyzer/trace/test_stack_table.c \
	tests/unit/analyzer/trace/test_target.c \
	tests/unit/analyzer/trace/test_threads.c \
	tests/unit/analyzer/trace/test_trigger.c
tests_unit_analyzer_test_trace_LDADD = $(ANALYZER_UNIT_LIBS)

tests_unit_analyzer_test_timeline_SOURCES = \
	tests/unit/analyzer/timeline/test_timeline.c \
	tests/unit/analyzer/timeline/test_timeline_law.c \
	tests/unit/analyzer/timeline/test_timeline_loss.c \
	tests/unit/analyzer/timeline/test_wait_class.c \
	tests/unit/analyzer/timeline/test_wait_rules.c
tests_unit_analyzer_test_timeline_LDADD = $(ANALYZER_UNIT_LIBS)

tests_unit_analyzer_test_locks_SOURCES = \
	tests/unit/analyzer/locks/test_futex_locks.c \
	tests/unit/analyzer/locks/test_futex_wakes.c \
	tests/unit/analyzer/locks/test_hold_events.c \
	tests/unit/analyzer/locks/test_hung_task.c \
	tests/unit/analyzer/locks/test_ownership.c \
	tests/unit/analyzer/locks/test_proc_locks.c
tests_unit_analyzer_test_locks_LDADD = $(ANALYZER_UNIT_LIBS)

# Decodings are counted, and a history without room is pretended, by wrapping.
tests_unit_analyzer_test_activity_SOURCES = \
	tests/unit/analyzer/activity/test_event_excerpt.c \
	tests/unit/analyzer/activity/test_history.c \
	tests/unit/analyzer/activity/test_long_waits.c \
	tests/unit/analyzer/activity/test_pauses.c \
	tests/unit/analyzer/activity/test_wait_episode.c \
	tests/unit/analyzer/activity/test_wake_root.c \
	tests/unit/analyzer/activity/test_observations.c \
	tests/unit/analyzer/activity/test_span_summary.c \
	tests/unit/analyzer/activity/test_stall.c \
	tests/unit/analyzer/activity/test_thread_waits.c \
	tests/unit/analyzer/activity/test_wait_objects.c \
	tests/unit/analyzer/activity/test_wait_estimate.c
tests_unit_analyzer_test_activity_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=source_rewind -Wl,--wrap=history_bytes
tests_unit_analyzer_test_activity_LDADD = $(ANALYZER_UNIT_LIBS)

tests_unit_analyzer_test_blame_SOURCES = \
	tests/unit/analyzer/blame/test_root_cause.c
tests_unit_analyzer_test_blame_LDADD = $(ANALYZER_UNIT_LIBS)

tests_unit_analyzer_test_detect_SOURCES = \
	tests/unit/analyzer/detect/test_busy_thread.c \
	tests/unit/analyzer/detect/test_coverage.c \
	tests/unit/analyzer/detect/test_cpu_starvation.c \
	tests/unit/analyzer/detect/test_dead_owner.c \
	tests/unit/analyzer/detect/test_deadlock.c \
	tests/unit/analyzer/detect/test_deadlock_circle.c \
	tests/unit/analyzer/detect/test_deadlock_end.c \
	tests/unit/analyzer/detect/test_detectors.c \
	tests/unit/analyzer/detect/test_host_pause.c \
	tests/unit/analyzer/detect/test_lock_taker.c \
	tests/unit/analyzer/detect/test_reports.c \
	tests/unit/analyzer/detect/test_resource_object.c \
	tests/unit/analyzer/detect/test_resource_wait.c \
	tests/unit/analyzer/detect/test_slow_producer.c \
	tests/unit/analyzer/detect/test_slow_producer_profile.c \
	tests/unit/analyzer/detect/test_spin.c \
	tests/unit/analyzer/detect/test_standstill.c \
	tests/unit/analyzer/detect/test_standstill_healthy.c \
	tests/unit/analyzer/detect/test_standstill_ends.c \
	tests/unit/analyzer/detect/test_stopped_process.c \
	tests/unit/analyzer/detect/test_thresholds.c
tests_unit_analyzer_test_detect_LDADD = $(ANALYZER_UNIT_LIBS)

tests_unit_analyzer_test_explain_SOURCES = \
	tests/unit/analyzer/explain/test_explain.c \
	tests/unit/analyzer/explain/test_wait_spec.c
tests_unit_analyzer_test_explain_LDADD = $(ANALYZER_UNIT_LIBS)

tests_unit_analyzer_test_compare_SOURCES = \
	tests/unit/analyzer/compare/test_compare.c
tests_unit_analyzer_test_compare_LDADD = $(ANALYZER_UNIT_LIBS)

tests_unit_analyzer_test_report_SOURCES = \
	tests/unit/analyzer/report/test_report.c
tests_unit_analyzer_test_report_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_analyzer_test_report_LDADD = $(ANALYZER_UNIT_LIBS)

tests_unit_analyzer_test_program_SOURCES = \
	tests/unit/analyzer/program/test_analysis.c \
	tests/unit/analyzer/program/test_damaged_capture.c \
	tests/unit/analyzer/program/test_deferred_stacks.c \
	tests/unit/analyzer/program/test_hostile_capture.c \
	tests/unit/analyzer/program/test_late_trigger.c \
	tests/unit/analyzer/program/test_options.c
tests_unit_analyzer_test_program_LDADD = $(ANALYZER_UNIT_LIBS)

tests_unit_recorder_test_base_SOURCES = \
	tests/unit/recorder/base/test_abandonable_task.c \
	tests/unit/recorder/base/test_helper_process.c \
	tests/unit/recorder/base/test_message.c \
	tests/unit/recorder/base/test_parse_units.c \
	tests/unit/recorder/base/test_read_file.c \
	tests/unit/recorder/base/test_sd_notify.c
tests_unit_recorder_test_base_LDADD = $(RECORDER_UNIT_LIBS)

# -g: symbolize looks up lines of its own functions. unwind follows functions without frame pointer,
# whose names come from dladdr().
tests_unit_recorder_test_symbols_SOURCES = \
	tests/unit/recorder/symbols/test_address_set.c \
	tests/unit/recorder/symbols/test_kallsyms.c \
	tests/unit/recorder/symbols/test_mapping_changes.c \
	tests/unit/recorder/symbols/test_mappings.c \
	tests/unit/recorder/symbols/test_symbolize.c \
	tests/unit/recorder/symbols/test_unwind.c
tests_unit_recorder_test_symbols_CFLAGS = $(AM_CFLAGS) -g -fomit-frame-pointer
tests_unit_recorder_test_symbols_LDFLAGS = $(AM_LDFLAGS) -rdynamic
tests_unit_recorder_test_symbols_LDADD = $(RECORDER_UNIT_LIBS) -ldl

tests_unit_recorder_test_buffer_SOURCES = \
	tests/unit/recorder/buffer/test_event_list.c \
	tests/unit/recorder/buffer/test_recorder_events.c \
	tests/unit/recorder/buffer/test_ring_map.c \
	tests/unit/recorder/buffer/test_segment_ring.c
tests_unit_recorder_test_buffer_LDADD = $(RECORDER_UNIT_LIBS)

# Which files of /proc are opened, and one that hangs, are found by wrapping.
tests_unit_recorder_test_proc_SOURCES = \
	tests/unit/recorder/proc/test_cpu_group.c \
	tests/unit/recorder/proc/test_proc_locks.c \
	tests/unit/recorder/proc/test_proc_task.c \
	tests/unit/recorder/proc/test_target.c \
	tests/unit/recorder/proc/test_target_finder.c \
	tests/unit/recorder/proc/test_thread_scheduling.c \
	tests/unit/recorder/proc/test_thread_states.c \
	tests/unit/recorder/proc/test_wait_objects.c
tests_unit_recorder_test_proc_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=openat -Wl,--wrap=proc_task_visit
tests_unit_recorder_test_proc_LDADD = $(RECORDER_UNIT_LIBS)

tests_unit_recorder_test_perf_SOURCES = \
	tests/unit/recorder/perf/test_cpu_hotplug_watch.c \
	tests/unit/recorder/perf/test_cpus.c \
	tests/unit/recorder/perf/test_kernel_log.c \
	tests/unit/recorder/perf/test_perf_ring.c \
	tests/unit/recorder/perf/test_permission.c \
	tests/unit/recorder/perf/test_tier.c \
	tests/unit/recorder/perf/test_tracepoint_format.c
tests_unit_recorder_test_perf_LDADD = $(RECORDER_UNIT_LIBS)

# A file of /proc hangs by wrapping.
tests_unit_recorder_test_record_SOURCES = \
	tests/unit/recorder/record/test_blocked_threads.c \
	tests/unit/recorder/record/test_cpu_users.c \
	tests/unit/recorder/record/test_deferred_stacks.c \
	tests/unit/recorder/record/test_object_watch.c \
	tests/unit/recorder/record/test_governor.c \
	tests/unit/recorder/record/test_stack_dumps.c \
	tests/unit/recorder/record/test_task_table.c \
	tests/unit/recorder/record/test_translate.c \
	tests/unit/recorder/record/test_translate_damage.c
tests_unit_recorder_test_record_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=openat
tests_unit_recorder_test_record_LDADD = $(RECORDER_UNIT_LIBS)

# An old file system is pretended by wrapping.
tests_unit_recorder_test_write_SOURCES = \
	tests/unit/recorder/write/test_capture_dir.c \
	tests/unit/recorder/write/test_capture_writer.c
tests_unit_recorder_test_write_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=renameat2
tests_unit_recorder_test_write_LDADD = $(RECORDER_UNIT_LIBS)

# Name lookups that hang and processes that cannot be killed are pretended by wrapping.
tests_unit_recorder_test_trigger_SOURCES = \
	tests/unit/recorder/trigger/test_blocked_trigger.c \
	tests/unit/recorder/trigger/test_sleeper_watch.c \
	tests/unit/recorder/trigger/test_probe.c \
	tests/unit/recorder/trigger/test_probe_cmd.c \
	tests/unit/recorder/trigger/test_probe_deadline.c \
	tests/unit/recorder/trigger/test_psi.c \
	tests/unit/recorder/trigger/test_probe_tcp.c \
	tests/unit/recorder/trigger/test_trigger_queue.c
tests_unit_recorder_test_trigger_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=getaddrinfo -Wl,--wrap=kill
tests_unit_recorder_test_trigger_LDADD = $(RECORDER_UNIT_LIBS)

# Peers, failing descriptors and /run are pretended by wrapping.
tests_unit_recorder_test_arm_SOURCES = \
	tests/unit/recorder/arm/test_control_client.c \
	tests/unit/recorder/arm/test_control_server.c \
	tests/unit/recorder/arm/test_status.c
tests_unit_recorder_test_arm_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=getsockopt -Wl,--wrap=accept4 -Wl,--wrap=connect -Wl,--wrap=mkdir
tests_unit_recorder_test_arm_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_recorder_test_arm_LDADD = $(RECORDER_UNIT_LIBS)

tests_unit_recorder_test_cli_SOURCES = \
	tests/unit/recorder/cli/test_cmd_status.c \
	tests/unit/recorder/cli/test_cmd_trigger.c
tests_unit_recorder_test_cli_LDADD = $(RECORDER_UNIT_LIBS)

# Two programs of their own: one runs a copy of itself under another name, the other wraps what the first calls.
tests_unit_recorder_test_capture_hook_SOURCES = tests/unit/recorder/arm/test_capture_hook.c
tests_unit_recorder_test_capture_hook_LDADD = $(RECORDER_LIBS) $(CMOCKA_LIBS)

tests_unit_recorder_test_trigger_dispatch_SOURCES = tests/unit/recorder/arm/test_trigger_dispatch.c
tests_unit_recorder_test_trigger_dispatch_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=triggered_capture_start,--wrap=triggered_capture_extend,--wrap=triggered_capture_cut \
	-Wl,--wrap=triggered_capture_over,--wrap=triggered_capture_finish,--wrap=triggered_capture_name \
	-Wl,--wrap=triggered_capture_trigger,--wrap=control_answer_trigger,--wrap=control_answer_error \
	-Wl,--wrap=capture_hook_run,--wrap=capture_hook_end,--wrap=capture_hook_busy
tests_unit_recorder_test_trigger_dispatch_LDADD = $(RECORDER_UNIT_LIBS)

# test_format_page reads it; automake gives the test srcdir.
EXTRA_DIST += doc/FORMAT.md
# test_format_0_1_0 reads these.
EXTRA_DIST += tests/data/0.1.0/README tests/data/0.1.0/capture.dat tests/data/0.1.0/ring.dat

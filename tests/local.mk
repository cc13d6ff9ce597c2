# Unit tests are cmocka programs, one a module, called tests/unit/test_<module>.
# Workloads are programs that freeze in a known way and say the truth.
UNIT_LIBS = $(CMOCKA_LIBS)

include tests/workloads/local.mk
include tests/live/local.mk
include tests/guest/local.mk

# Compares a report with the truth of a workload; a row of the lab's table.
check_PROGRAMS += tests/lab_verdict
tests_lab_verdict_SOURCES = tests/lab_verdict.c
tests_lab_verdict_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_lab_verdict_LDADD = $(JANSSON_LIBS)
check_PROGRAMS += tests/thin_capture
tests_thin_capture_SOURCES = tests/thin_capture.c
tests_thin_capture_LDADD = capture/libcapture.a $(ZLIB_LIBS)
EXTRA_DIST += tests/lab.sh

# Freezes of known causes; is each report the truth? Minutes, as root. LAB= names some.
lab: all $(LAB_WORKLOADS) tests/lab_verdict tests/thin_capture
	LAB_WORKLOADS='$(LAB_WORKLOADS)' srcdir='$(srcdir)' $(srcdir)/tests/lab.sh $(LAB)
.PHONY: lab

TESTS += tests/cli/recorder-options.sh
EXTRA_DIST += tests/cli/recorder-options.sh

check_PROGRAMS += tests/unit/test_human
TESTS += tests/unit/test_human
tests_unit_test_human_SOURCES = tests/unit/test_human.c
tests_unit_test_human_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_json
TESTS += tests/unit/test_json
tests_unit_test_json_SOURCES = tests/unit/test_json.c
tests_unit_test_json_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_json_LDADD = $(ANALYZER_LIBS) $(JANSSON_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_terminal
TESTS += tests/unit/test_terminal
tests_unit_test_terminal_SOURCES = tests/unit/test_terminal.c
tests_unit_test_terminal_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_options
TESTS += tests/unit/test_options
tests_unit_test_options_SOURCES = tests/unit/test_options.c
tests_unit_test_options_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_render
TESTS += tests/unit/test_render
tests_unit_test_render_SOURCES = tests/unit/test_render.c \
	tests/unit/render_cases.c tests/unit/render_cases.h
tests_unit_test_render_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_render_LDADD = $(ANALYZER_LIBS) $(JANSSON_LIBS) $(UNIT_LIBS)
EXTRA_DIST += \
	tests/golden/convoy.txt tests/golden/convoy.json tests/golden/convoy.folded \
	tests/golden/damaged.txt tests/golden/damaged.json tests/golden/damaged.folded \
	tests/golden/empty.txt tests/golden/empty.json tests/golden/empty.folded \
	tests/golden/hostile.txt tests/golden/hostile.json tests/golden/hostile.folded \
	tests/golden/no-stall.txt tests/golden/no-stall.json tests/golden/no-stall.folded

TESTS += tests/cli/analyze-options.sh
EXTRA_DIST += tests/cli/analyze-options.sh

check_PROGRAMS += tests/unit/test_calls
TESTS += tests/unit/test_calls
tests_unit_test_calls_SOURCES = tests/unit/test_calls.c
tests_unit_test_calls_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_ownership
TESTS += tests/unit/test_ownership
tests_unit_test_ownership_SOURCES = tests/unit/test_ownership.c
tests_unit_test_ownership_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_stall
TESTS += tests/unit/test_stall
tests_unit_test_stall_SOURCES = tests/unit/test_stall.c
tests_unit_test_stall_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_cpuhp
TESTS += tests/unit/test_cpuhp
tests_unit_test_cpuhp_SOURCES = tests/unit/test_cpuhp.c
tests_unit_test_cpuhp_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_extras
TESTS += tests/unit/test_extras
tests_unit_test_extras_SOURCES = tests/unit/test_extras.c
tests_unit_test_extras_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_series
TESTS += tests/unit/test_series
tests_unit_test_series_SOURCES = tests/unit/test_series.c tests/unit/scene.c tests/unit/scene.h
tests_unit_test_series_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_hungtask
TESTS += tests/unit/test_hungtask
tests_unit_test_hungtask_SOURCES = tests/unit/test_hungtask.c tests/unit/scene.c tests/unit/scene.h
tests_unit_test_hungtask_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_kernellog
TESTS += tests/unit/test_kernellog
tests_unit_test_kernellog_SOURCES = tests/unit/test_kernellog.c
tests_unit_test_kernellog_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_holds
TESTS += tests/unit/test_holds
tests_unit_test_holds_SOURCES = tests/unit/test_holds.c tests/unit/scene.c tests/unit/scene.h
tests_unit_test_holds_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_shortage
TESTS += tests/unit/test_shortage
tests_unit_test_shortage_SOURCES = tests/unit/test_shortage.c tests/unit/scene.c tests/unit/scene.h
tests_unit_test_shortage_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_starved
TESTS += tests/unit/test_starved
tests_unit_test_starved_SOURCES = tests/unit/test_starved.c tests/unit/scene.c tests/unit/scene.h
tests_unit_test_starved_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_spin
TESTS += tests/unit/test_spin
tests_unit_test_spin_SOURCES = tests/unit/test_spin.c tests/unit/scene.c tests/unit/scene.h
tests_unit_test_spin_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_silence
TESTS += tests/unit/test_silence
tests_unit_test_silence_SOURCES = tests/unit/test_silence.c tests/unit/scene.c tests/unit/scene.h
tests_unit_test_silence_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_listed
TESTS += tests/unit/test_listed
tests_unit_test_listed_SOURCES = tests/unit/test_listed.c tests/unit/scene.c tests/unit/scene.h
tests_unit_test_listed_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_filelocks
TESTS += tests/unit/test_filelocks
tests_unit_test_filelocks_SOURCES = tests/unit/test_filelocks.c
tests_unit_test_filelocks_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_analysis
TESTS += tests/unit/test_analysis
tests_unit_test_analysis_SOURCES = tests/unit/test_analysis.c tests/unit/scene.c tests/unit/scene.h
tests_unit_test_analysis_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_futex
TESTS += tests/unit/test_futex
tests_unit_test_futex_SOURCES = tests/unit/test_futex.c tests/unit/scene.c tests/unit/scene.h
tests_unit_test_futex_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_releases
TESTS += tests/unit/test_releases
tests_unit_test_releases_SOURCES = tests/unit/test_releases.c
tests_unit_test_releases_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_forked
TESTS += tests/unit/test_forked
tests_unit_test_forked_SOURCES = tests/unit/test_forked.c tests/unit/scene.c tests/unit/scene.h
tests_unit_test_forked_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_moment
TESTS += tests/unit/test_moment
tests_unit_test_moment_SOURCES = tests/unit/test_moment.c
tests_unit_test_moment_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_compare
TESTS += tests/unit/test_compare
tests_unit_test_compare_SOURCES = tests/unit/test_compare.c
tests_unit_test_compare_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_explain
TESTS += tests/unit/test_explain
tests_unit_test_explain_SOURCES = tests/unit/test_explain.c tests/unit/scene.c tests/unit/scene.h
tests_unit_test_explain_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_trigger_window
TESTS += tests/unit/test_trigger_window
tests_unit_test_trigger_window_SOURCES = tests/unit/test_trigger_window.c
tests_unit_test_trigger_window_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_unserved
TESTS += tests/unit/test_unserved
tests_unit_test_unserved_SOURCES = tests/unit/test_unserved.c tests/unit/scene.c tests/unit/scene.h
tests_unit_test_unserved_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_feeder
TESTS += tests/unit/test_feeder
tests_unit_test_feeder_SOURCES = tests/unit/test_feeder.c tests/unit/scene.c tests/unit/scene.h
tests_unit_test_feeder_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_message
TESTS += tests/unit/test_message
tests_unit_test_message_SOURCES = tests/unit/test_message.c
tests_unit_test_message_LDADD = recorder/librecorder.a $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_child
TESTS += tests/unit/test_child
tests_unit_test_child_SOURCES = tests/unit/test_child.c
tests_unit_test_child_LDADD = recorder/librecorder.a $(UNIT_LIBS) -lpthread

check_PROGRAMS += tests/unit/test_kallsyms
TESTS += tests/unit/test_kallsyms
tests_unit_test_kallsyms_SOURCES = tests/unit/test_kallsyms.c
tests_unit_test_kallsyms_LDADD = recorder/librecorder.a $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_mappings
TESTS += tests/unit/test_mappings
tests_unit_test_mappings_SOURCES = tests/unit/test_mappings.c
tests_unit_test_mappings_LDADD = recorder/librecorder.a $(UNIT_LIBS) -lpthread

# openat is wrapped to see which files of /proc are opened.

check_PROGRAMS += tests/unit/test_snapshot
TESTS += tests/unit/test_snapshot
tests_unit_test_snapshot_SOURCES = tests/unit/test_snapshot.c
tests_unit_test_snapshot_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=openat
tests_unit_test_snapshot_LDADD = recorder/librecorder.a $(UNIT_LIBS) -lpthread

# The functions it unwinds have no frame pointer; their names come from dladdr().

check_PROGRAMS += tests/unit/test_unwind
TESTS += tests/unit/test_unwind
tests_unit_test_unwind_SOURCES = tests/unit/test_unwind.c
tests_unit_test_unwind_CFLAGS = $(AM_CFLAGS) -fomit-frame-pointer
tests_unit_test_unwind_LDFLAGS = $(AM_LDFLAGS) -rdynamic
tests_unit_test_unwind_LDADD = recorder/librecorder.a $(LIBDW_LIBS) $(LIBUNWIND_LIBS) $(UNIT_LIBS) -lpthread -ldl

# -g: it looks up lines of its own functions.

check_PROGRAMS += tests/unit/test_names
TESTS += tests/unit/test_names
tests_unit_test_names_SOURCES = tests/unit/test_names.c
tests_unit_test_names_CFLAGS = $(AM_CFLAGS) -g
tests_unit_test_names_LDADD = recorder/librecorder.a capture/libcapture.a $(LIBDW_LIBS) \
	$(IBERTY_LIBS) $(ZLIB_LIBS) $(UNIT_LIBS) -lpthread
# capture/
CAPTURE_TEST_LIBS = capture/libcapture.a $(ZLIB_LIBS) $(UNIT_LIBS)
GUARD_SOURCES = tests/unit/guard.c tests/unit/guard.h
SAMPLE_EVENTS_SOURCES = tests/unit/sample_events.c tests/unit/sample_events.h
SAMPLE_CAPTURE_SOURCES = tests/unit/sample_capture.c tests/unit/sample_capture.h

check_PROGRAMS += tests/unit/test_segment
TESTS += tests/unit/test_segment
tests_unit_test_segment_SOURCES = tests/unit/test_segment.c $(GUARD_SOURCES)
tests_unit_test_segment_LDADD = $(CAPTURE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_encoder
TESTS += tests/unit/test_encoder
tests_unit_test_encoder_SOURCES = tests/unit/test_encoder.c $(GUARD_SOURCES) $(SAMPLE_EVENTS_SOURCES)
tests_unit_test_encoder_LDADD = $(CAPTURE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_writer
TESTS += tests/unit/test_writer
tests_unit_test_writer_SOURCES = tests/unit/test_writer.c $(SAMPLE_CAPTURE_SOURCES) \
	$(SAMPLE_EVENTS_SOURCES)
tests_unit_test_writer_LDADD = $(CAPTURE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_reader
TESTS += tests/unit/test_reader
tests_unit_test_reader_SOURCES = tests/unit/test_reader.c $(SAMPLE_CAPTURE_SOURCES) \
	$(SAMPLE_EVENTS_SOURCES)
tests_unit_test_reader_LDADD = $(CAPTURE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_ringfile
TESTS += tests/unit/test_ringfile
tests_unit_test_ringfile_SOURCES = tests/unit/test_ringfile.c $(SAMPLE_CAPTURE_SOURCES) \
	$(SAMPLE_EVENTS_SOURCES)
tests_unit_test_ringfile_LDADD = $(CAPTURE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_facts
TESTS += tests/unit/test_facts
tests_unit_test_facts_SOURCES = tests/unit/test_facts.c $(GUARD_SOURCES)
tests_unit_test_facts_LDADD = $(CAPTURE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_symbols
TESTS += tests/unit/test_symbols
tests_unit_test_symbols_SOURCES = tests/unit/test_symbols.c $(GUARD_SOURCES) $(SAMPLE_EVENTS_SOURCES)
tests_unit_test_symbols_LDADD = $(CAPTURE_TEST_LIBS)

# reads $(srcdir)/doc/FORMAT.md; automake gives the test srcdir
EXTRA_DIST += doc/FORMAT.md

check_PROGRAMS += tests/unit/test_format_page
TESTS += tests/unit/test_format_page
tests_unit_test_format_page_SOURCES = tests/unit/test_format_page.c $(SAMPLE_CAPTURE_SOURCES) \
	$(SAMPLE_EVENTS_SOURCES)
tests_unit_test_format_page_LDADD = $(CAPTURE_TEST_LIBS)

# reads $(srcdir)/tests/data/0.1.0
EXTRA_DIST += tests/data/0.1.0/README tests/data/0.1.0/capture.dat tests/data/0.1.0/ring.dat

check_PROGRAMS += tests/unit/test_format_0_1_0
TESTS += tests/unit/test_format_0_1_0
tests_unit_test_format_0_1_0_SOURCES = tests/unit/test_format_0_1_0.c $(SAMPLE_EVENTS_SOURCES)
tests_unit_test_format_0_1_0_LDADD = $(CAPTURE_TEST_LIBS)

# not a test: prints figures
EXTRA_PROGRAMS = tests/bench/bench_encode tests/fuzz/fuzz_reader
tests_bench_bench_encode_SOURCES = tests/bench/bench_encode.c
tests_bench_bench_encode_LDADD = capture/libcapture.a $(ZLIB_LIBS)

# files to try are arguments; for libFuzzer: CC=clang CFLAGS="-fsanitize=fuzzer-no-link -DFT_LIBFUZZER"
tests_fuzz_fuzz_reader_SOURCES = tests/fuzz/fuzz_reader.c
tests_fuzz_fuzz_reader_LDADD = capture/libcapture.a $(ZLIB_LIBS)

check_PROGRAMS += tests/unit/test_timeline
TESTS += tests/unit/test_timeline
tests_unit_test_timeline_SOURCES = tests/unit/test_timeline.c
tests_unit_test_timeline_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_timeline_law
TESTS += tests/unit/test_timeline_law
tests_unit_test_timeline_law_SOURCES = tests/unit/test_timeline_law.c
tests_unit_test_timeline_law_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_losses
TESTS += tests/unit/test_losses
tests_unit_test_losses_SOURCES = tests/unit/test_losses.c
tests_unit_test_losses_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_merge
TESTS += tests/unit/test_merge
tests_unit_test_merge_SOURCES = tests/unit/test_merge.c
tests_unit_test_merge_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_stacks
TESTS += tests/unit/test_stacks
tests_unit_test_stacks_SOURCES = tests/unit/test_stacks.c
tests_unit_test_stacks_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_threads
TESTS += tests/unit/test_threads
tests_unit_test_threads_SOURCES = tests/unit/test_threads.c
tests_unit_test_threads_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_source
TESTS += tests/unit/test_source
tests_unit_test_source_SOURCES = tests/unit/test_source.c
tests_unit_test_source_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_waitrules
TESTS += tests/unit/test_waitrules
tests_unit_test_waitrules_SOURCES = tests/unit/test_waitrules.c
tests_unit_test_waitrules_LDADD = analyzer/libanalyzer.a $(UNIT_LIBS)

EXTRA_PROGRAMS += tests/bench/bench_analyze
tests_bench_bench_analyze_SOURCES = tests/bench/bench_analyze.c
tests_bench_bench_analyze_LDADD = $(ANALYZER_LIBS)

check_PROGRAMS += tests/unit/test_damage
TESTS += tests/unit/test_damage
tests_unit_test_damage_SOURCES = tests/unit/test_damage.c tests/unit/scene.c tests/unit/scene.h
tests_unit_test_damage_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_hostile
TESTS += tests/unit/test_hostile
tests_unit_test_hostile_SOURCES = tests/unit/test_hostile.c tests/unit/scene.c tests/unit/scene.h
tests_unit_test_hostile_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_quantity
TESTS += tests/unit/test_quantity
tests_unit_test_quantity_SOURCES = tests/unit/test_quantity.c
tests_unit_test_quantity_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_format
TESTS += tests/unit/test_format
tests_unit_test_format_SOURCES = tests/unit/test_format.c tests/unit/formats.h
tests_unit_test_format_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_tier
TESTS += tests/unit/test_tier
tests_unit_test_tier_SOURCES = tests/unit/test_tier.c
tests_unit_test_tier_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_cpus
TESTS += tests/unit/test_cpus
tests_unit_test_cpus_SOURCES = tests/unit/test_cpus.c
tests_unit_test_cpus_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_target
TESTS += tests/unit/test_target
tests_unit_test_target_SOURCES = tests/unit/test_target.c
tests_unit_test_target_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_tasks
TESTS += tests/unit/test_tasks
tests_unit_test_tasks_SOURCES = tests/unit/test_tasks.c
tests_unit_test_tasks_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_ring
TESTS += tests/unit/test_ring
tests_unit_test_ring_SOURCES = tests/unit/test_ring.c
tests_unit_test_ring_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_ringmap
TESTS += tests/unit/test_ringmap
tests_unit_test_ringmap_SOURCES = tests/unit/test_ringmap.c
tests_unit_test_ringmap_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_slots
TESTS += tests/unit/test_slots
tests_unit_test_slots_SOURCES = tests/unit/test_slots.c
tests_unit_test_slots_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_translate
TESTS += tests/unit/test_translate
tests_unit_test_translate_SOURCES = tests/unit/test_translate.c tests/unit/formats.h
tests_unit_test_translate_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_dumps
TESTS += tests/unit/test_dumps
tests_unit_test_dumps_SOURCES = tests/unit/test_dumps.c
tests_unit_test_dumps_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_ownlog
TESTS += tests/unit/test_ownlog
tests_unit_test_ownlog_SOURCES = tests/unit/test_ownlog.c
tests_unit_test_ownlog_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_seen
TESTS += tests/unit/test_seen
tests_unit_test_seen_SOURCES = tests/unit/test_seen.c
tests_unit_test_seen_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_governor
TESTS += tests/unit/test_governor
tests_unit_test_governor_SOURCES = tests/unit/test_governor.c
tests_unit_test_governor_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_sleepers
TESTS += tests/unit/test_sleepers
tests_unit_test_sleepers_SOURCES = tests/unit/test_sleepers.c
tests_unit_test_sleepers_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS) -lpthread

check_PROGRAMS += tests/unit/test_triggers
TESTS += tests/unit/test_triggers
tests_unit_test_triggers_SOURCES = tests/unit/test_triggers.c
tests_unit_test_triggers_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_verdict
TESTS += tests/unit/test_verdict
tests_unit_test_verdict_SOURCES = tests/unit/test_verdict.c
tests_unit_test_verdict_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_errand
TESTS += tests/unit/test_errand
tests_unit_test_errand_SOURCES = tests/unit/test_errand.c
tests_unit_test_errand_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_tcp_target
TESTS += tests/unit/test_tcp_target
tests_unit_test_tcp_target_SOURCES = tests/unit/test_tcp_target.c
tests_unit_test_tcp_target_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

# Name lookups that hang are made by wrapping.
ASKING_SOURCES = tests/unit/asking.c tests/unit/asking.h

check_PROGRAMS += tests/unit/test_probe
TESTS += tests/unit/test_probe
tests_unit_test_probe_SOURCES = tests/unit/test_probe.c $(ASKING_SOURCES) \
	tests/unit/server.c tests/unit/server.h
tests_unit_test_probe_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=getaddrinfo
tests_unit_test_probe_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

# Processes that cannot be killed are made by wrapping.

check_PROGRAMS += tests/unit/test_probe_cmd
TESTS += tests/unit/test_probe_cmd
tests_unit_test_probe_cmd_SOURCES = tests/unit/test_probe_cmd.c $(ASKING_SOURCES)
tests_unit_test_probe_cmd_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=kill
tests_unit_test_probe_cmd_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_psi
TESTS += tests/unit/test_psi
tests_unit_test_psi_SOURCES = tests/unit/test_psi.c
tests_unit_test_psi_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_control
TESTS += tests/unit/test_control
tests_unit_test_control_SOURCES = tests/unit/test_control.c
tests_unit_test_control_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=getsockopt,--wrap=accept4
tests_unit_test_control_LDADD = recorder/librecorder.a $(JANSSON_LIBS) $(UNIT_LIBS)

# /run is not touched, and a recorder that is armed on this host is not asked.

check_PROGRAMS += tests/unit/test_control_ask
TESTS += tests/unit/test_control_ask
tests_unit_test_control_ask_SOURCES = tests/unit/test_control_ask.c
tests_unit_test_control_ask_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=connect,--wrap=mkdir
tests_unit_test_control_ask_LDADD = recorder/librecorder.a $(JANSSON_LIBS) $(UNIT_LIBS) -lpthread

check_PROGRAMS += tests/unit/test_keep
TESTS += tests/unit/test_keep
tests_unit_test_keep_SOURCES = tests/unit/test_keep.c
tests_unit_test_keep_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=renameat2
tests_unit_test_keep_LDADD = recorder/librecorder.a $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_after
TESTS += tests/unit/test_after
tests_unit_test_after_SOURCES = tests/unit/test_after.c
tests_unit_test_after_LDADD = recorder/librecorder.a $(JANSSON_LIBS) $(UNIT_LIBS) -lpthread

check_PROGRAMS += tests/unit/test_arm_status
TESTS += tests/unit/test_arm_status
tests_unit_test_arm_status_SOURCES = tests/unit/test_arm_status.c
tests_unit_test_arm_status_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_arm_status_LDADD = recorder/librecorder.a $(JANSSON_LIBS) $(UNIT_LIBS)

# The commands run in a child, against a control socket of the test's.

check_PROGRAMS += tests/unit/test_cmd_trigger tests/unit/test_cmd_status
TESTS += tests/unit/test_cmd_trigger tests/unit/test_cmd_status
tests_unit_test_cmd_trigger_SOURCES = tests/unit/test_cmd_trigger.c \
	tests/unit/asked.c tests/unit/asked.h
tests_unit_test_cmd_trigger_LDADD = recorder/librecorder.a $(JANSSON_LIBS) $(UNIT_LIBS)
tests_unit_test_cmd_status_SOURCES = tests/unit/test_cmd_status.c \
	tests/unit/asked.c tests/unit/asked.h
tests_unit_test_cmd_status_LDADD = recorder/librecorder.a $(JANSSON_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_blocked
TESTS += tests/unit/test_blocked
tests_unit_test_blocked_SOURCES = tests/unit/test_blocked.c
tests_unit_test_blocked_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

# openat is wrapped to have a file of /proc hang.

check_PROGRAMS += tests/unit/test_lazy
TESTS += tests/unit/test_lazy
tests_unit_test_lazy_SOURCES = tests/unit/test_lazy.c
tests_unit_test_lazy_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=openat
tests_unit_test_lazy_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS) -lpthread

# not a test: records until it is told to end
EXTRA_PROGRAMS += tests/bench/bench_modes
tests_bench_bench_modes_SOURCES = tests/bench/bench_modes.c
tests_bench_bench_modes_LDADD = $(RECORDER_LIBS)

check_PROGRAMS += tests/unit/test_lazy_capture
TESTS += tests/unit/test_lazy_capture
tests_unit_test_lazy_capture_SOURCES = tests/unit/test_lazy_capture.c tests/unit/scene.c tests/unit/scene.h
tests_unit_test_lazy_capture_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_changes
TESTS += tests/unit/test_changes
tests_unit_test_changes_SOURCES = tests/unit/test_changes.c
tests_unit_test_changes_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_eventlist
TESTS += tests/unit/test_eventlist
tests_unit_test_eventlist_SOURCES = tests/unit/test_eventlist.c
tests_unit_test_eventlist_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_states
TESTS += tests/unit/test_states
tests_unit_test_states_SOURCES = tests/unit/test_states.c
tests_unit_test_states_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=proc_threads_threads
tests_unit_test_states_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_notify
TESTS += tests/unit/test_notify
tests_unit_test_notify_SOURCES = tests/unit/test_notify.c
tests_unit_test_notify_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_dispatch
TESTS += tests/unit/test_dispatch
tests_unit_test_dispatch_SOURCES = tests/unit/test_dispatch.c
tests_unit_test_dispatch_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=triggered_capture_start,--wrap=triggered_capture_extend \
	-Wl,--wrap=triggered_capture_cut,--wrap=triggered_capture_over,--wrap=triggered_capture_finish,--wrap=triggered_capture_name \
	-Wl,--wrap=triggered_capture_trigger,--wrap=control_answer_trigger,--wrap=control_answer_error \
	-Wl,--wrap=capture_hook_run,--wrap=capture_hook_end,--wrap=capture_hook_busy
tests_unit_test_dispatch_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_finder
TESTS += tests/unit/test_finder
tests_unit_test_finder_SOURCES = tests/unit/test_finder.c
tests_unit_test_finder_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_job
TESTS += tests/unit/test_job
tests_unit_test_job_SOURCES = tests/unit/test_job.c
tests_unit_test_job_LDADD = $(RECORDER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_chains
TESTS += tests/unit/test_chains
tests_unit_test_chains_SOURCES = tests/unit/test_chains.c tests/unit/scene.c tests/unit/scene.h
tests_unit_test_chains_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

# Everything but main() is a library, so that tests can link it.
noinst_LIBRARIES += recorder/librecorder.a
recorder_librecorder_a_SOURCES = \
	recorder/arm/capture_hook.c recorder/arm/capture_hook.h \
	recorder/arm/capture_hook_child.c recorder/arm/capture_hook_child.h \
	recorder/cli/arguments.c recorder/cli/arguments.h \
	recorder/arm/arm.c recorder/arm/arm.h \
	recorder/arm/status.c recorder/arm/status.h \
	recorder/symbols/mapping_changes.c recorder/symbols/mapping_changes.h \
	recorder/trigger/blocked_trigger.c recorder/trigger/blocked_trigger.h \
	recorder/trigger/sleep_kind.c recorder/trigger/sleep_kind.h \
	recorder/trigger/sleeper_watch.c recorder/trigger/sleeper_watch.h \
	recorder/base/helper_process.c recorder/base/helper_process.h \
	recorder/base/clock.h \
	recorder/base/priority.c recorder/base/priority.h \
	recorder/base/read_file.c recorder/base/read_file.h \
	recorder/base/diagnostic.c recorder/base/diagnostic.h \
	recorder/cli/command.h \
	recorder/cli/cmd_arm.c \
	recorder/cli/cmd_capture.c \
	recorder/cli/cmd_check.c \
	recorder/cli/cmd_status.c \
	recorder/cli/cmd_trigger.c \
	recorder/base/exit_status.h \
	recorder/arm/control_server.c recorder/arm/control_server.h \
	recorder/arm/control_client.c recorder/arm/control_client.h \
	recorder/perf/perf_events.c recorder/perf/perf_events.h \
	recorder/perf/cpus.c recorder/perf/cpus.h \
	recorder/arm/trigger_dispatch.c recorder/arm/trigger_dispatch.h \
	recorder/record/drain.c recorder/record/drain.h \
	recorder/record/stack_dumps.c recorder/record/stack_dumps.h \
	recorder/record/engine.c recorder/record/engine.h \
	recorder/base/abandonable_task.c recorder/base/abandonable_task.h \
	recorder/buffer/event_list.c recorder/buffer/event_list.h \
	recorder/proc/proc_locks.c recorder/proc/proc_locks.h \
	recorder/proc/target_finder.c recorder/proc/target_finder.h \
	recorder/perf/tracepoint_format.c recorder/perf/tracepoint_format.h \
	recorder/record/governor.c recorder/record/governor.h \
	recorder/record/record_cursor.h \
	recorder/record/occurrence.c recorder/record/occurrence.h \
	recorder/record/watched_wakings.c recorder/record/watched_wakings.h \
	recorder/perf/host_facts.c recorder/perf/host_facts.h \
	recorder/perf/cpu_hotplug_watch.c recorder/perf/cpu_hotplug_watch.h \
	recorder/record/hotplug.c recorder/record/hotplug.h \
	recorder/arm/history_keeper.c recorder/arm/history_keeper.h \
	recorder/arm/triggered_capture.c recorder/arm/triggered_capture.h \
	recorder/write/capture_writer.c recorder/write/capture_writer.h \
	recorder/base/text.c recorder/base/text.h \
	recorder/symbols/kallsyms.c recorder/symbols/kallsyms.h \
	recorder/perf/kernel_log.c recorder/perf/kernel_log.h \
	recorder/write/capture_dir.c recorder/write/capture_dir.h \
	recorder/record/deferred_stacks.c recorder/record/deferred_stacks.h \
	recorder/symbols/mappings.c recorder/symbols/mappings.h \
	recorder/proc/proc_maps.c recorder/proc/proc_maps.h \
	recorder/base/message.c recorder/base/message.h \
	recorder/symbols/elf_module.c recorder/symbols/elf_module.h \
	recorder/symbols/symbolize.c recorder/symbols/symbolize.h \
	recorder/base/sd_notify.c recorder/base/sd_notify.h \
	recorder/buffer/recorder_events.c recorder/buffer/recorder_events.h \
	recorder/perf/permission.c recorder/perf/permission.h \
	recorder/perf/event_plan.c recorder/perf/event_plan.h \
	recorder/trigger/probe.c recorder/trigger/probe.h \
	recorder/trigger/probe_cmd.c \
	recorder/trigger/probe_http.c \
	recorder/trigger/probe_tcp.c recorder/trigger/probe_tcp.h \
	recorder/trigger/psi.c recorder/trigger/psi.h \
	recorder/base/parse_units.c recorder/base/parse_units.h \
	recorder/write/recording.c recorder/write/recording.h \
	recorder/perf/refusal.c recorder/perf/refusal.h \
	recorder/perf/perf_ring.c recorder/perf/perf_ring.h \
	recorder/buffer/sigbus_guard.c recorder/buffer/sigbus_guard.h \
	recorder/arm/ring_metadata.c recorder/arm/ring_metadata.h \
	recorder/buffer/ring_map.c recorder/buffer/ring_map.h \
	recorder/buffer/ring_path.c recorder/buffer/ring_path.h \
	recorder/write/capture_finish.c recorder/write/capture_finish.h \
	recorder/symbols/address_set.c recorder/symbols/address_set.h \
	recorder/record/blocked_threads.c recorder/record/blocked_threads.h \
	recorder/buffer/segment_ring.c recorder/buffer/segment_ring.h \
	recorder/proc/cpu_group.c recorder/proc/cpu_group.h \
	recorder/proc/proc_task.c recorder/proc/proc_task.h \
	recorder/proc/thread_scheduling.c recorder/proc/thread_scheduling.h \
	recorder/record/cpu_users.c recorder/record/cpu_users.h \
	recorder/proc/thread_states.c recorder/proc/thread_states.h \
	recorder/cli/status_text.c recorder/cli/status_text.h \
	recorder/proc/target.c recorder/proc/target.h \
	recorder/proc/fd_ends.c recorder/proc/fd_ends.h \
	recorder/proc/file_device.c recorder/proc/file_device.h \
	recorder/proc/socket_ends.c recorder/proc/socket_ends.h \
	recorder/proc/sysv_queue.c recorder/proc/sysv_queue.h \
	recorder/proc/unix_peer.c recorder/proc/unix_peer.h \
	recorder/proc/wait_call.c recorder/proc/wait_call.h \
	recorder/proc/wait_objects.c recorder/proc/wait_objects.h \
	recorder/record/object_watch.c recorder/record/object_watch.h \
	recorder/record/task_table.c recorder/record/task_table.h \
	recorder/perf/switch_cost.c recorder/perf/switch_cost.h \
	recorder/perf/tier.c recorder/perf/tier.h \
	recorder/perf/tracefs.c recorder/perf/tracefs.h \
	recorder/record/translate.c recorder/record/translate.h \
	recorder/trigger/trigger_queue.c recorder/trigger/trigger_queue.h \
	recorder/symbols/unwind.c recorder/symbols/unwind.h \
	recorder/trigger/probe_deadline.c recorder/trigger/probe_deadline.h \
	recorder/arm/trigger_sources.c recorder/arm/trigger_sources.h \
	recorder/arm/governor_thread.c recorder/arm/governor_thread.h 
recorder_librecorder_a_CFLAGS = $(AM_CFLAGS) $(LIBDW_CFLAGS) $(TRACEEVENT_CFLAGS) \
	$(CAPNG_CFLAGS) $(JANSSON_CFLAGS) $(LIBCURL_CFLAGS) $(LIBUNWIND_CFLAGS)

bin_PROGRAMS += recorder/recorder
recorder_recorder_SOURCES = recorder/cli/main.c
RECORDER_LIBS = recorder/librecorder.a capture/libcapture.a $(LIBDW_LIBS) \
	$(TRACEEVENT_LIBS) $(CAPNG_LIBS) $(JANSSON_LIBS) $(LIBCURL_LIBS) $(LIBUNWIND_LIBS) $(PFM_LIBS) \
	$(IBERTY_LIBS) $(ZLIB_LIBS) -lpthread
recorder_recorder_LDADD = $(RECORDER_LIBS)

# Names of this architecture's system calls.
recorder/syscalls.inc: Makefile
	$(AM_V_GEN)$(MKDIR_P) recorder && echo '#include <sys/syscall.h>' | $(CC) $(CPPFLAGS) -E -dM - | \
		sed -n 's/^#define __NR_\([a-z][a-z0-9_]*\) [0-9].*/{ __NR_\1, "\1" },/p' | sort > $@.new && \
		test -s $@.new && mv $@.new $@
recorder/perf/librecorder_a-host_facts.$(OBJEXT): recorder/syscalls.inc
CLEANFILES += recorder/syscalls.inc

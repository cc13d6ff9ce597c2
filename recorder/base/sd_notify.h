/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service manager, if there is one: ready, alive, stopping. The protocol
 * of sd_notify(3).
 */
#ifndef RECORDER_BASE_SD_NOTIFY_H
#define RECORDER_BASE_SD_NOTIFY_H

#include <stdint.h>

/* One assignment, as "READY=1", to where NOTIFY_SOCKET says; nothing where it is not set. Never blocks. */
void sd_notify_send(const char *text);

/* How often WATCHDOG=1 is expected, halved to be on time; 0: not at all. */
uint64_t sd_notify_watchdog_ns(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protocol of sd_notify(3): tells the service manager, if there is one, that the recorder is
 * ready, alive or stopping.
 */
#ifndef RECORDER_BASE_SD_NOTIFY_H
#define RECORDER_BASE_SD_NOTIFY_H

#include <stdint.h>

/* Sends an assignment as "READY=1", if NOTIFY_SOCKET is set. Never blocks. */
void sd_notify_send(const char *text);

/* Half the interval in which WATCHDOG=1 is expected; 0 where it is not expected. */
uint64_t sd_notify_watchdog_ns(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A service whose every request takes one mutex (pthread_mutex) for a moment. */
#ifndef TESTS_WORKLOADS_MUTEX_SERVICE_H
#define TESTS_WORKLOADS_MUTEX_SERVICE_H

#include <pthread.h>

extern pthread_mutex_t mutex_service_lock;

void mutex_service_start(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The workers of mutex_service.h. */
#include "config.h"

#include "tests/workloads/mutex_service.h"
#include "tests/workloads/truth.h"

#define WORKERS 6

pthread_mutex_t mutex_service_lock = PTHREAD_MUTEX_INITIALIZER;

static void serve_request(void)
{
	truth_wait_begin();
	pthread_mutex_lock(&mutex_service_lock);
	truth_wait_end();
	pthread_mutex_unlock(&mutex_service_lock);
}

void mutex_service_start(void)
{
	truth_serve(WORKERS, serve_request);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>

#include "tests/unit/support/lab.h"
#include "tests/unit/support/unit_test.h"

int lab_set_up(void **state, uint32_t cpus)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	assert_non_null(lab);
	lab->scene = scene_create(cpus);
	*state = lab;
	return 0;
}

int lab_tear_down(void **state)
{
	struct lab *lab = *state;

	scene_done(&lab->result, lab->scene);
	free(lab);
	return 0;
}

const struct model_finding *lab_analyze(struct lab *lab, uint64_t end_ns)
{
	lab->result = scene_analyze(lab->scene, "100", end_ns);
	assert_true(lab->result.model->finding_count >= 1);
	return &lab->result.model->findings[0];
}

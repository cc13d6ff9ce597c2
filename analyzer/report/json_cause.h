/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why the holder was slow, and who else was drawn in, as members of the JSON report.
 */
#ifndef ANALYZER_REPORT_JSON_CAUSE_H
#define ANALYZER_REPORT_JSON_CAUSE_H

#include "analyzer/report/json_fields.h"
#include "analyzer/model.h"

/* Into the open object of a culprit, of a finding, of the report. */
void json_culprit_why(struct json_fields *fields, const struct model_culprit *culprit);
void json_finding_why(struct json_fields *fields, const struct model_finding *finding);
void json_blame(struct json_fields *fields, const struct model *model);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/report/json_cause.h"

static void put_because(struct json_fields *fields, const struct model_because *wait)
{
	json_open_object(&fields->json);
	json_field_text(fields, "class", wait_class_name(wait->class));
	json_field_text(fields, "operation", wait->operation);
	json_field_number(fields, "waited_ns", wait->waited_ns);
	json_field_number(fields, "longest_ns", wait->longest_ns);
	json_field_number(fields, "count", wait->count);
	json_field_text(fields, "ended_by", wait->ended_by);
	json_field_id(fields, "by_tid", wait->by_tid);
	json_field_text(fields, "by_comm", wait->by_comm);
	json_field_text(fields, "root", wait->root);
	json_field_id(fields, "root_tid", wait->root_tid);
	json_field_text(fields, "root_comm", wait->root_comm);
	json_close_object(&fields->json);
}

static void put_shares(struct json_fields *fields, const char *key, const char *time,
		       const struct model_share *shares, size_t count)
{
	json_field_array(fields, key);
	for (size_t i = 0; i < count; i++) {
		json_open_object(&fields->json);
		json_field_id(fields, "tid", shares[i].tid);
		json_field_id(fields, "tgid", shares[i].tgid);
		json_field_text(fields, "comm", shares[i].comm);
		json_field_number(fields, time, shares[i].ns);
		json_close_object(&fields->json);
	}
	json_close_array(&fields->json);
}

void json_culprit_why(struct json_fields *fields, const struct model_culprit *culprit)
{
	json_field_text(fields, "why", culprit->why);
	json_field_array(fields, "because");
	for (size_t i = 0; i < culprit->because_count; i++)
		put_because(fields, &culprit->because[i]);
	json_close_array(&fields->json);
	put_shares(fields, "instead", "ran_ns", culprit->instead, culprit->instead_count);
}

static void put_links(struct json_fields *fields, const struct model_finding *finding)
{
	json_field_array(fields, "chain");
	for (size_t i = 0; i < finding->link_count; i++) {
		json_open_object(&fields->json);
		json_field_id(fields, "tid", finding->links[i].tid);
		json_field_text(fields, "comm", finding->links[i].comm);
		json_field_text(fields, "class", wait_class_name(finding->links[i].class));
		json_field_number(fields, "waited_ns", finding->links[i].waited_ns);
		json_close_object(&fields->json);
	}
	json_close_array(&fields->json);
}

static void put_pivot(struct json_fields *fields, const struct model_finding *finding)
{
	const struct model_pivot *pivot = &finding->pivot;

	if (!finding->has_pivot) {
		json_field_null(fields, "pivot");
		return;
	}
	json_field_object(fields, "pivot");
	json_field_id(fields, "tid", pivot->tid);
	json_field_text(fields, "comm", pivot->comm);
	json_field_number(fields, "at_ns", pivot->at_ns);
	json_field_number(fields, "readers", pivot->readers);
	json_field_number(fields, "behind_ns", pivot->behind_ns);
	json_close_object(&fields->json);
}

void json_finding_why(struct json_fields *fields, const struct model_finding *finding)
{
	put_shares(fields, "outsiders", "blocked_ns", finding->outsiders, finding->outsider_count);
	put_links(fields, finding);
	put_pivot(fields, finding);
}

void json_blame(struct json_fields *fields, const struct model *model)
{
	json_field_array(fields, "blame");
	for (size_t i = 0; i < model->blame_count; i++) {
		const struct model_blame *blame = &model->blame[i];

		json_open_object(&fields->json);
		json_field_text(fields, "root", blame->root);
		json_field_id(fields, "tid", blame->tid);
		json_field_text(fields, "comm", blame->comm);
		json_field_text(fields, "class", blame->class);
		json_field_text(fields, "grade", grade_name(blame->grade));
		json_field_number(fields, "blocked_ns", blame->blocked_ns);
		json_field_number(fields, "victims", blame->victims);
		json_close_object(&fields->json);
	}
	json_close_array(&fields->json);
}

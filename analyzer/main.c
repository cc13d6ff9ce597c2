/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze: explain a freeze from its capture.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/analysis.h"
#include "analyzer/compare/compare.h"
#include "analyzer/explain/explain.h"
#include "analyzer/options.h"
#include "analyzer/report/report.h"
#include "analyzer/trace/source.h"
#include "analyzer/util/terminal.h"

#define EXIT_USAGE   2
#define EXIT_DAMAGED 3
#define TEXT_COLUMNS 80

/* One write, as main() gave stderr a buffer. */
static void complain(const char *message)
{
	fputs("analyze: ", stderr);
	terminal_put_lines(stderr, message);
	fputc('\n', stderr);
	fflush(stderr);
}

static void complain_about(const char *object, const char *problem, int error)
{
	char *message;

	if (asprintf(&message, "%s: %s: %s", object, problem, strerror(-error)) < 0)
		message = NULL;
	complain(message ? message : strerror(ENOMEM));
	free(message);
}

static bool use_color(enum options_color color)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (color != COLOR_AUTO)
		return color == COLOR_ALWAYS;
	return isatty(STDOUT_FILENO) && !(no_color && *no_color) &&
	       !(term && strcmp(term, "dumb") == 0);
}

/* One capture, analysed. */
struct input {
	const char *path;
	struct source *source;
	struct model *model;
	struct observations *observations;
};

/* 0, or a negative errno that was complained about. */
static int input_open(struct input *input, const char *path, const struct options *options)
{
	const struct analysis_options analysis = { .stall_ns = options->stall_ns,
						   .target = options->target,
						   .target_count = options->target_count };
	char *message = NULL;
	int error;

	input->path = path;
	error = source_open(path, &input->source, &message);
	if (error) {
		complain(message ? message : strerror(-error));
		free(message);
		return error;
	}
	error = analysis_run(input->source, path, &analysis, &input->model, &input->observations);
	if (error)
		complain_about(path, "the analysis did not come to its end", error);
	return error;
}

static void input_close(struct input *input)
{
	if (input->observations)
		observations_free(input->observations);
	free(input->observations);
	analysis_free(input->model);
	source_close(input->source);
}

/* Return: an exit status. */
static int damage_status(const struct input *input)
{
	const struct model *model = input->model;

	if (model->capture.complete)
		return EXIT_SUCCESS;
	complain(model->capture.damage ? model->capture.damage : "the capture is not complete");
	return EXIT_DAMAGED;
}

static struct text_options text_options(const struct options *options)
{
	return (struct text_options){ .color = use_color(options->color),
				      .all_threads = options->all_threads,
				      .width = TEXT_COLUMNS };
}

/* Standard output is written whole, or not: @error is the renderer's. Return: an exit status. */
static int finish_output(int error)
{
	/* What the disk says only when the file is closed counts too. */
	if (fclose(stdout) && !error)
		error = -EIO;
	if (!error)
		return EXIT_SUCCESS;
	/* "no space left" tells more */
	complain_about("standard output", "the report could not be written whole",
		       error == -EIO && errno ? -errno : error);
	return EXIT_FAILURE;
}

static int render(const struct model *model, const struct options *options)
{
	const struct text_options text = text_options(options);

	errno = 0;
	switch (options->output) {
	case OUTPUT_JSON:
		return report_json(model, stdout);
	case OUTPUT_FOLDED:
		return report_folded(model, stdout);
	default:
		return report_text(model, &text, stdout);
	}
}

static int analyze(const struct options *options)
{
	struct input input = { 0 };
	int status = EXIT_FAILURE;

	if (input_open(&input, options->path, options) == 0)
		status = finish_output(render(input.model, options));
	if (status == EXIT_SUCCESS)
		status = damage_status(&input);
	input_close(&input);
	return status;
}

static int render_explanation(const struct explanation *explanation, const struct model *model,
			      const struct options *options)
{
	const struct text_options text = text_options(options);

	errno = 0;
	if (options->output == OUTPUT_JSON)
		return report_explanation_json(explanation, model, stdout);
	return report_explanation_text(explanation, model, &text, stdout);
}

static int explain(const struct options *options)
{
	struct explanation *explanation = NULL;
	struct input input = { 0 };
	char *message = NULL;
	int error, status = EXIT_FAILURE;

	if (input_open(&input, options->path, options))
		goto out;
	error = explain_run(input.observations, input.model, &options->moment, &explanation, &message);
	if (error) {
		if (message)
			complain(message);
		else
			complain_about(options->path, "the wait could not be explained", error);
		goto out;
	}
	status = finish_output(render_explanation(explanation, input.model, options));
	if (status == EXIT_SUCCESS)
		status = damage_status(&input);
out:
	free(message);
	explanation_free(explanation);
	input_close(&input);
	return status;
}

static int render_comparison(const struct comparison *comparison, const struct options *options)
{
	const struct text_options text = text_options(options);

	errno = 0;
	if (options->output == OUTPUT_JSON)
		return report_comparison_json(comparison, stdout);
	return report_comparison_text(comparison, &text, stdout);
}

static int compare(const struct options *options)
{
	struct input before = { 0 }, after = { 0 };
	struct comparison *comparison = NULL;
	int error, status = EXIT_FAILURE;

	if (input_open(&before, options->before, options) ||
	    input_open(&after, options->path, options))
		goto out;
	error = compare_run(before.model, after.model, &comparison);
	if (error) {
		complain_about(options->path, "the comparison did not come to its end", error);
		goto out;
	}
	status = finish_output(render_comparison(comparison, options));
	if (status == EXIT_SUCCESS)
		status = damage_status(&before);
	if (status == EXIT_SUCCESS || status == EXIT_DAMAGED)
		status = damage_status(&after) ? EXIT_DAMAGED : status;
out:
	comparison_free(comparison);
	input_close(&after);
	input_close(&before);
	return status;
}

/* Return: an exit status. */
static int show(const char *text)
{
	fputs(text, stdout);
	if (fclose(stdout) == 0)
		return EXIT_SUCCESS;
	complain_about("standard output", "could not be written", -errno);
	return EXIT_FAILURE;
}

static int usage_error(const char *message)
{
	char *text;

	if (asprintf(&text, "%s.\n  See analyze --help.", message) < 0)
		text = NULL;
	complain(text ? text : strerror(ENOMEM));
	free(text);
	return EXIT_USAGE;
}

int main(int argc, char *argv[])
{
	struct options options;
	char *message = NULL;
	int error, status = EXIT_FAILURE;

	setvbuf(stderr, NULL, _IOFBF, BUFSIZ);
	signal(SIGPIPE, SIG_DFL); /* who closes the pipe has read enough: end without a word */
	error = options_parse(argc, argv, &options, &message);
	if (error) {
		status = error == -EINVAL ? usage_error(message) : EXIT_FAILURE;
		free(message);
		return status;
	}
	switch (options.action) {
	case ACTION_HELP:
		status = show(options_help);
		break;
	case ACTION_VERSION:
		status = show("analyze (freezetrap) " PACKAGE_VERSION "\n");
		break;
	case ACTION_REPORT:
		status = analyze(&options);
		break;
	case ACTION_EXPLAIN:
		status = explain(&options);
		break;
	case ACTION_COMPARE:
		status = compare(&options);
		break;
	}
	options_free(&options);
	return status;
}

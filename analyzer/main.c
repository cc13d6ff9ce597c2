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

/* The message is one write because main() gave stderr a buffer. */
static void print_message(const char *message)
{
	fputs("analyze: ", stderr);
	terminal_put_lines(stderr, message);
	fputc('\n', stderr);
	fflush(stderr);
}

static void print_error(const char *object, const char *problem, int error)
{
	char *message;

	if (asprintf(&message, "%s: %s: %s", object, problem, strerror(-error)) < 0)
		message = NULL;
	print_message(message ? message : strerror(ENOMEM));
	free(message);
}

static bool wants_color(enum options_color color)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (color != COLOR_AUTO)
		return color == COLOR_ALWAYS;
	return isatty(STDOUT_FILENO) && !(no_color && *no_color) &&
	       !(term && strcmp(term, "dumb") == 0);
}

/* A capture and what was found in it. */
struct input {
	struct source *source;
	struct model *model;
	struct observations *observations;
};

/* Return: 0, or a negative errno; its message is printed already. */
static int open_input(struct input *input, const char *path, const struct options *options)
{
	const struct analysis_options analysis = { .stall_ns = options->stall_ns,
						   .target = options->target,
						   .target_count = options->target_count };
	char *message = NULL;
	int error;

	error = source_open(path, &input->source, &message);
	if (error) {
		print_message(message ? message : strerror(-error));
		free(message);
		return error;
	}
	error = analysis_run(input->source, path, &analysis, &input->model,
			     options->action == ACTION_EXPLAIN ? &input->observations : NULL);
	if (error)
		print_error(path, "the analysis did not come to its end", error);
	return error;
}

static void close_input(struct input *input)
{
	if (input->observations)
		observations_free(input->observations);
	free(input->observations);
	model_free(input->model);
	source_close(input->source);
}

/* Return: an exit status. */
static int damage_status(const struct input *input)
{
	const struct model *model = input->model;

	if (model->capture.complete)
		return EXIT_SUCCESS;
	print_message(model->capture.damage ? model->capture.damage
					    : "the capture is not complete");
	return EXIT_DAMAGED;
}

/* Call it just before a renderer, because finish_output() reads the errno that it leaves. */
static struct report_options start_output(const struct options *options)
{
	const struct report_options report = { .color = wants_color(options->color),
					       .all_threads = options->all_threads,
					       .width = TEXT_COLUMNS };

	errno = 0;
	return report;
}

/* Say whether standard output was written whole. @error: the renderer's. Return: an exit status. */
static int finish_output(int error)
{
	/* Some errors of the disk are reported only when the file is closed. */
	if (fclose(stdout) && !error)
		error = -EIO;
	if (!error)
		return EXIT_SUCCESS;
	/* errno tells more than -EIO: "no space left" */
	print_error("standard output", "the report could not be written whole",
		    error == -EIO && errno ? -errno : error);
	return EXIT_FAILURE;
}

/* Return: an exit status. */
static int run_report(const struct options *options)
{
	struct report_options report;
	struct input input = { 0 };
	int status = EXIT_FAILURE;

	if (open_input(&input, options->path, options) == 0) {
		report = start_output(options);
		status = finish_output(options->renderer->report(input.model, &report, stdout));
	}
	if (status == EXIT_SUCCESS)
		status = damage_status(&input);
	close_input(&input);
	return status;
}

static int run_explain(const struct options *options)
{
	struct explanation *explanation = NULL;
	struct report_options report;
	struct input input = { 0 };
	char *message = NULL;
	int error, status = EXIT_FAILURE;

	if (open_input(&input, options->path, options))
		goto out;
	error = explain_run(input.observations, input.model, &options->wait_spec, &explanation, &message);
	if (error) {
		if (message)
			print_message(message);
		else
			print_error(options->path, "the wait could not be explained", error);
		goto out;
	}
	report = start_output(options);
	status = finish_output(
		options->renderer->explanation(explanation, input.model, &report, stdout));
	if (status == EXIT_SUCCESS)
		status = damage_status(&input);
out:
	free(message);
	explanation_free(explanation);
	close_input(&input);
	return status;
}

static int run_compare(const struct options *options)
{
	struct input before = { 0 }, after = { 0 };
	struct comparison *comparison = NULL;
	struct report_options report;
	int error, status = EXIT_FAILURE;

	if (open_input(&before, options->before, options) ||
	    open_input(&after, options->path, options))
		goto out;
	error = compare_run(before.model, after.model, &comparison);
	if (error) {
		print_error(options->path, "the comparison did not come to its end", error);
		goto out;
	}
	report = start_output(options);
	status = finish_output(options->renderer->comparison(comparison, &report, stdout));
	if (status == EXIT_SUCCESS)
		status = damage_status(&before);
	if (status == EXIT_SUCCESS || status == EXIT_DAMAGED)
		status = damage_status(&after) ? EXIT_DAMAGED : status;
out:
	comparison_free(comparison);
	close_input(&after);
	close_input(&before);
	return status;
}

/* Return: an exit status. */
static int print_text(const char *text)
{
	fputs(text, stdout);
	if (fclose(stdout) == 0)
		return EXIT_SUCCESS;
	print_error("standard output", "could not be written", -errno);
	return EXIT_FAILURE;
}

static int print_usage_error(const char *message)
{
	char *text;

	if (asprintf(&text, "%s.\n  See analyze --help.", message) < 0)
		text = NULL;
	print_message(text ? text : strerror(ENOMEM));
	free(text);
	return EXIT_USAGE;
}

int main(int argc, char *argv[])
{
	struct options options;
	char *message = NULL;
	int error, status = EXIT_FAILURE;

	setvbuf(stderr, NULL, _IOFBF, BUFSIZ);
	signal(SIGPIPE, SIG_DFL); /* a reader that closes the pipe has read enough */
	error = options_parse(argc, argv, &options, &message);
	if (error) {
		status = error == -EINVAL ? print_usage_error(message) : EXIT_FAILURE;
		free(message);
		return status;
	}
	switch (options.action) {
	case ACTION_HELP:
		status = print_text(options_help);
		break;
	case ACTION_VERSION:
		status = print_text("analyze (freezetrap) " PACKAGE_VERSION "\n");
		break;
	case ACTION_REPORT:
		status = run_report(&options);
		break;
	case ACTION_EXPLAIN:
		status = run_explain(&options);
		break;
	case ACTION_COMPARE:
		status = run_compare(&options);
		break;
	}
	options_free(&options);
	return status;
}

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
#include "analyzer/options.h"
#include "analyzer/render.h"
#include "analyzer/source.h"
#include "analyzer/terminal.h"

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

static int render(const struct model *model, const struct options *options)
{
	const struct text_options text = { .color = use_color(options->color),
					   .all_threads = options->all_threads,
					   .width = TEXT_COLUMNS };
	int error = 0;

	errno = 0;
	switch (options->output) {
	case OUTPUT_TEXT:
		error = render_text(model, &text, stdout);
		break;
	case OUTPUT_JSON:
		error = render_json(model, stdout);
		break;
	case OUTPUT_FOLDED:
		error = render_folded(model, stdout);
		break;
	}
	/* What the disk says only when the file is closed counts too. */
	if (fclose(stdout) && !error)
		error = -EIO;
	return error == -EIO && errno ? -errno : error; /* "no space left" tells more */
}

/* Return: an exit status. */
static int report(const struct model *model, const struct options *options)
{
	int error = render(model, options);

	if (error) {
		complain_about("standard output", "the report could not be written whole", error);
		return EXIT_FAILURE;
	}
	if (model->capture.complete)
		return EXIT_SUCCESS;
	complain(model->capture.damage ? model->capture.damage : "the capture is not complete");
	return EXIT_DAMAGED;
}

static int analyze(const struct options *options)
{
	const struct analysis_options analysis = { .stall_ns = options->stall_ns,
						   .target = options->target,
						   .target_count = options->target_count };
	struct source *source = NULL;
	struct model *model = NULL;
	char *message = NULL;
	int error, status = EXIT_FAILURE;

	error = source_open(options->path, &source, &message);
	if (error) {
		complain(message ? message : strerror(-error));
		goto out;
	}
	error = analysis_run(source, options->path, &analysis, &model);
	if (error) {
		complain_about(options->path, "the analysis did not come to its end", error);
		goto out;
	}
	status = report(model, options);
out:
	free(message);
	analysis_free(model);
	source_close(source);
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
	}
	options_free(&options);
	return status;
}

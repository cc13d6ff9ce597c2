/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A probe that makes an HTTP request. libcurl's multi interface lets it wait until a given time.
 * Each request opens a connection, as a new client would.
 */
#include "config.h"

#include "recorder/trigger/probe.h"

#include <errno.h>

#ifdef HAVE_LIBCURL

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/base/clock.h"

#define WAIT_MOST_MS 1000000

struct http {
	char *url;
	CURLM *multi;
	CURL *easy;
	bool added; /* easy was added to multi: a request is under way */
	bool failed; /* the request could not begin */
	char error[CURL_ERROR_SIZE];
};

static size_t ignore_body(char *data, size_t size, size_t count, void *context)
{
	(void)data, (void)context;
	return size * count;
}

static void init_library(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool set_options(struct http *http)
{
	CURL *easy = http->easy;
	bool set = !curl_easy_setopt(easy, CURLOPT_URL, http->url) &&
		   !curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, http->error) &&
		   !curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore_body) &&
		   !curl_easy_setopt(easy, CURLOPT_USERAGENT, PACKAGE_NAME "/" PACKAGE_VERSION) &&
		   !curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) &&
		   !curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) &&
		   !curl_easy_setopt(easy, CURLOPT_PROXY, "") &&
		   !curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L) &&
		   !curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
	/* Without it, ending a request would wait for the name server. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
	return set;
}

static void http_ask(void *question)
{
	struct http *http = question;

	http->error[0] = '\0';
	http->failed = curl_multi_add_handle(http->multi, http->easy);
	http->added = !http->failed;
}

static enum answer judge_response(const struct http *http, CURLcode result, char *ret_why)
{
	long status = 0;

	curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
	if (result)
		snprintf(ret_why, PROBE_WHY_BYTES, "%.*s", PROBE_WHY_BYTES - 1,
			 http->error[0] ? http->error : curl_easy_strerror(result));
	else
		snprintf(ret_why, PROBE_WHY_BYTES, "HTTP status %ld", status);
	return !result && status < 400 ? ANSWER_GOOD : ANSWER_BAD;
}

static int get_left_ms(uint64_t until_ns)
{
	uint64_t now_ns = clock_now_ns();
	uint64_t left = until_ns > now_ns ? (until_ns - now_ns) / 1000000 + 1 : 0;
	return left < WAIT_MOST_MS ? (int)left : WAIT_MOST_MS;
}

static enum answer http_wait(void *question, uint64_t until_ns, int stop_fd, char *ret_why)
{
	struct http *http = question;
	struct curl_waitfd stop = { .fd = stop_fd, .events = CURL_WAIT_POLLIN };
	int running, left, ready;

	if (http->failed) {
		snprintf(ret_why, PROBE_WHY_BYTES, "libcurl cannot begin");
		return ANSWER_BAD;
	}
	for (;;) {
		int wait_ms = get_left_ms(until_ns);
		curl_multi_perform(http->multi, &running);
		CURLMsg *message = curl_multi_info_read(http->multi, &left);
		if (message && message->msg == CURLMSG_DONE)
			return judge_response(http, message->data.result, ret_why);
		if (!wait_ms || stop.revents)
			return ANSWER_NONE;
		if (curl_multi_poll(http->multi, &stop, 1, wait_ms, &ready))
			return ANSWER_NONE;
	}
}

static bool http_end(void *question)
{
	struct http *http = question;

	if (http->added)
		curl_multi_remove_handle(http->multi, http->easy);
	http->added = false;
	return true;
}

static void http_destroy(void *question)
{
	struct http *http = question;

	if (http->added)
		curl_multi_remove_handle(http->multi, http->easy);
	curl_easy_cleanup(http->easy);
	curl_multi_cleanup(http->multi);
	free(http->url);
	free(http);
}

/* The name has no user, password or query. Return: 0, -EINVAL or -ENOMEM. */
static int make_url_name(const char *url, char *ret_name, const char **ret_problem)
{
	CURLU *parts = curl_url();
	char *scheme = NULL, *plain = NULL;
	int error = -EINVAL;

	if (!parts)
		return -ENOMEM;
	*ret_problem = "it is not a URL as http://HOST:PORT/PATH.";
	if (curl_url_set(parts, CURLUPART_URL, url, 0) ||
	    curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0))
		goto out;
	*ret_problem = "only http:// and https:// can be asked.";
	if (strcmp(scheme, "http") && strcmp(scheme, "https"))
		goto out;
	curl_url_set(parts, CURLUPART_USER, NULL, 0);
	curl_url_set(parts, CURLUPART_PASSWORD, NULL, 0);
	curl_url_set(parts, CURLUPART_QUERY, NULL, 0);
	curl_url_set(parts, CURLUPART_FRAGMENT, NULL, 0);
	if (curl_url_get(parts, CURLUPART_URL, &plain, 0))
		goto out;
	snprintf(ret_name, PROBE_NAME_BYTES, "%s", plain);
	error = 0;
out:
	curl_free(scheme);
	curl_free(plain);
	curl_url_cleanup(parts);
	return error;
}

static int http_create(const char *what, void **ret_question, char *ret_name,
		       const char **ret_problem)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct http *http;
	int error;

	pthread_once(&once, init_library);
	error = make_url_name(what, ret_name, ret_problem);
	if (error)
		return error;
	http = calloc(1, sizeof(*http));
	if (!http)
		return -ENOMEM;
	http->url = strdup(what);
	http->multi = curl_multi_init();
	http->easy = curl_easy_init();
	if (!http->url || !http->multi || !http->easy || !set_options(http)) {
		http_destroy(http);
		return -ENOMEM;
	}
	*ret_question = http;
	return 0;
}

const struct probe_ops PROBE_HTTP_OPS = {
	.source = "probe-http",
	.create = http_create,
	.destroy = http_destroy,
	.ask = http_ask,
	.wait = http_wait,
	.end = http_end,
};

#else

static int http_create(const char *what, void **ret_question, char *ret_name,
		       const char **ret_problem)
{
	(void)what, (void)ret_question, (void)ret_name;
	*ret_problem = "this recorder was built without libcurl, which HTTP needs; a command that "
		       "asks, as "
		       "curl --fail, does too.";
	return -ENOTSUP;
}

const struct probe_ops PROBE_HTTP_OPS = { .source = "probe-http", .create = http_create };

#endif

/* SPDX-License-Identifier: Apache-2.0
 * The sim driver: tells stories to the engine in memory.  sim [FOLDER]...; without folders all of processes/. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "tests/stories/teller.h"

static bool
is_ours(const struct step *step)
{
	return step->only == NULL || text_equal(step->only, "sim") || text_equal(step->only, "bpmnd");
}

static bool
is_driver(const char *name)
{
	return name == NULL || text_equal(name, "sim") || text_equal(name, "bpmnd") || text_equal(name, "wire") ||
		text_equal(name, "oracle");
}

/* Whatever happened, the log of it must give the same state again. */
static enum status
replay_all(const struct teller *teller, struct error *err)
{
	size_t i;

	for (i = 0; i < teller->actor_count; i++)
		TRY(sim_replay(teller->actors[i]->sim, err));
	return OK;
}

/* Prints one line; true when the story holds. */
static bool
tell(struct arena *arena, const char *folder, const char *name, const struct story *story)
{
	const struct step *step = NULL;
	enum status status = OK;
	struct error err = {0};
	struct teller teller;
	size_t i;

	teller_init(&teller, arena, folder);
	for (i = 0; status == OK && i < story->count; i++) {
		step = &story->steps[i];
		if (!is_driver(step->only))
			status = FAIL(&err, invalid_request, "there is no driver '%s'", step->only);
		else if (is_ours(step))
			status = teller_step(&teller, step, &err);
		if (status == OK)
			status = replay_all(&teller, &err);
	}
	if (status == OK && story->count == 0)
		status = FAIL(&err, invalid_request, "the story has no steps");
	if (status == OK)
		printf("ok %s: %s\n", name, story->title);
	else
		printf("not ok %s: %s: line %d: %s\n", name, story->title, step != NULL ? step->line : story->line,
			err.message);
	teller_done(&teller);
	return status == OK;
}

/* All stories of a folder; how many do not hold. */
static int
tell_folder(const char *folder)
{
	const char *slash = strrchr(folder, '/'), *name = slash != NULL ? slash + 1 : folder, *bytes;
	struct arena *arena = arena_new();
	struct stories stories;
	struct error err = {0};
	enum status status;
	size_t length, i;
	int failed = 0;

	status = file_read(arena, arena_printf(arena, "%s/story", folder), &bytes, &length, &err);
	if (status == OK)
		status = stories_read(arena, bytes, &stories, &err);
	if (status != OK) {
		printf("not ok %s: line %d: %s\n", name, err.line, err.message);
		failed = 1;
	}
	for (i = 0; status == OK && i < stories.count; i++)
		failed += !tell(arena, folder, name, &stories.list[i]);
	arena_free(arena);
	return failed;
}

/* In a process of its own, so that a crash costs one folder and is a failure like others. */
static int
tell_apart(const char *folder)
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		status = tell_folder(folder) > 0;
		fflush(stdout);
		_exit(status);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0 || WIFSIGNALED(status)) {
		printf("not ok %s: the engine died\n", folder);
		return 1;
	}
	return WEXITSTATUS(status);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Every folder there must tell a story: one without is a failure. */
static int
tell_all(const char *root)
{
	struct arena *arena = arena_new();
	const char **folders = NULL;
	size_t count = 0, capacity = 0, i;
	DIR *dir = opendir(root);
	struct dirent *entry;
	int failed = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.' || entry->d_type != DT_DIR)
			continue;
		folders = arena_grow(arena, folders, sizeof *folders, count, &capacity);
		folders[count++] = arena_printf(arena, "%s/%s", root, entry->d_name);
	}
	if (dir != NULL)
		closedir(dir);
	if (count == 0) {
		printf("not ok: no folders in '%s'\n", root);
		failed = 1;
	} else {
		qsort(folders, count, sizeof *folders, by_name);
	}
	for (i = 0; i < count; i++)
		failed += tell_apart(folders[i]);
	arena_free(arena);
	return failed;
}

int
main(int count, char **arguments)
{
	const char *source = getenv("SRCDIR");
	struct error err;
	char root[4096];
	int failed = 0, i;

	if (bpmn_init(&err) != OK) {
		printf("not ok: %s\n", err.message);
		return 1;
	}
	for (i = 1; i < count; i++)
		failed += tell_apart(arguments[i]);
	if (count == 1) {
		snprintf(root, sizeof root, "%s/processes", source != NULL ? source : ".");
		failed += tell_all(root);
	}
	bpmn_done();
	return failed > 0;
}

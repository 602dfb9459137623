/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/sandbox.h"

#include "base/log.h"
#include "base/printable.h"
#include "daemon/sandbox_calls.h"
#include "daemon/sandbox_landlock.h"
#include "daemon/sandbox_seccomp.h"

#include <sys/prctl.h>

#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { RULES_MAX = 48, TEXTS_MAX = 16384, PORT_OF_DNS = 53 };

/* What any program of the system reads, and the C library for its names. */
static const struct landlock_rule of_system[] = {
    {"/usr", LANDLOCK_EXECUTE},
    {"/lib", LANDLOCK_EXECUTE},
    {"/lib32", LANDLOCK_EXECUTE},
    {"/lib64", LANDLOCK_EXECUTE},
    {"/bin", LANDLOCK_EXECUTE},
    {"/sbin", LANDLOCK_EXECUTE},
    {"/etc", LANDLOCK_READ},
    {"/run", LANDLOCK_READ},
    {"/proc", LANDLOCK_READ},
    {"/sys/devices/system", LANDLOCK_READ},
    {"/var/lib/extrausers", LANDLOCK_READ},
    {"/var/lib/sss", LANDLOCK_READ},
    {"/var/yp", LANDLOCK_READ},
    {"/dev/urandom", LANDLOCK_READ},
    {"/dev/zero", LANDLOCK_READ},
    {"/dev/null", LANDLOCK_WRITE},
    {"/dev/tty", LANDLOCK_WRITE},
};
enum { OF_SYSTEM = sizeof of_system / sizeof of_system[0] };

/* What is in force: of Landlock, 0 for nothing, and of the filter. */
static struct {
	int version;
	bool is_filtered;
} applied;

/* Too large for the smallest stack. */
static struct rules {
	struct landlock_rule list[RULES_MAX];
	size_t n;
	char texts[TEXTS_MAX]; /* the paths that are not of the system */
	size_t end;            /* of those */
	bool is_incomplete;
} rules_in_making;

/* True if the folder is one of the list, or below one, with the same right. */
static bool
is_covered(
    const struct rules *rules, const char *folder, enum landlock_right right)
{
	for (size_t i = 0; i < rules->n; i++) {
		const struct landlock_rule *rule = &rules->list[i];
		size_t length = strlen(rule->path);
		if (rule->right == right &&
		    strncmp(folder, rule->path, length) == 0 &&
		    (folder[length] == '/' || folder[length] == '\0'))
			return true;
	}
	return false;
}

/* The folder of a file, since a file may be replaced by another. */
static void
add_folder(struct rules *rules, const char *file, enum landlock_right right)
{
	char *folder = rules->texts + rules->end;
	size_t room = sizeof rules->texts - rules->end;
	size_t length = (size_t)snprintf(folder, room, "%s", file);
	char *end = length < room ? strrchr(folder, '/') : NULL;
	if (end == NULL || rules->n == RULES_MAX) {
		rules->is_incomplete = true;
		return;
	}
	end[end == folder ? 1 : 0] = '\0';
	if (is_covered(rules, folder, right))
		return;
	rules->list[rules->n++] = (struct landlock_rule){folder, right};
	rules->end += length + 1;
}

/* And that of what a link leads to. */
static void
add_folders(struct rules *rules, const char *file, enum landlock_right right)
{
	if (file == NULL)
		return;
	add_folder(rules, file, right);
	char *real = realpath(file, NULL);
	if (real != NULL)
		add_folder(rules, real, right);
	free(real);
}

/* The next process loads the same libraries, wherever they are. */
static int
add_library(struct dl_phdr_info *library, size_t size, void *arg)
{
	(void)size;
	if (library->dlpi_name != NULL && library->dlpi_name[0] == '/')
		add_folders(arg, library->dlpi_name, LANDLOCK_EXECUTE);
	return 0;
}

static void
collect(struct rules *rules, const struct sandbox_needs *needs)
{
	memcpy(rules->list, of_system, sizeof of_system);
	rules->n = OF_SYSTEM;
	rules->end = 0;
	rules->is_incomplete = false;
	add_folders(rules, needs->program, LANDLOCK_EXECUTE);
	(void)dl_iterate_phdr(add_library, rules);
	add_folders(rules, needs->config, LANDLOCK_READ);
}

/* What tells one sandbox from another. */
static uint32_t
identify(const struct rules *rules, bool spares_abstract)
{
	uint32_t identity = seccomp_version();
	for (size_t i = 0; i < rules->n; i++) {
		const struct landlock_rule *rule = &rules->list[i];
		const unsigned char right = (unsigned char)rule->right;
		identity =
		    seccomp_mix(identity, rule->path, strlen(rule->path) + 1);
		identity = seccomp_mix(identity, &right, 1);
	}
	identity = seccomp_mix(identity, &spares_abstract, 1);
	return identity == SECCOMP_ANY ? 1 : identity;
}

/*
 * From the newest version that the kernel says it has to the oldest, since some
 * kernels say they have one of which they refuse a part.  Returns the version
 * in force, or -1 with errno.
 */
static int
restrict_files(const struct rules *rules, bool spares_abstract)
{
	int version = landlock_version();
	if (version == 0)
		errno = ENOSYS;
	if (version > LANDLOCK_SCOPES)
		version = LANDLOCK_SCOPES;
	for (; version > 0; version--) {
		if (landlock_restrict(version, rules->list, rules->n,
			PORT_OF_DNS, spares_abstract) == 0)
			return version;
		if (errno != EINVAL)
			break;
	}
	return -1;
}

/* What to do about it, as the end of a sentence. */
static const char *
remedy(bool is_required)
{
	switch (errno) {
	case ENOSYS:
	case EINVAL:
	case ENOTSUP:
		return is_required ? "take another kernel, or --sandbox try"
				   : "--sandbox off leaves this line out";
	case E2BIG:
		return "too many sandboxes are in force already, one in "
		       "another; restart upcased";
	case EPERM:
	case EACCES:
		return "let the sandbox that it is started in allow "
		       "landlock_restrict_self(2) and seccomp(2)";
	default:
		return "the limits of descriptors (ulimit -n) and memory may "
		       "be too low";
	}
}

/* Only a lack of descriptors or memory may go away by itself. */
static int
complain(const char *what, bool is_required)
{
	const char *then = remedy(is_required);
	int status = errno == EMFILE || errno == ENFILE || errno == ENOMEM
			 ? EX_OSERR
			 : EX_NOPERM;
	if (is_required)
		log_error("--sandbox require: cannot %s; %s", what, then);
	else
		log_warn("the sandbox cannot %s; %s", what, then);
	return is_required ? status : 0;
}

/* Once what it is has been found out, and is not in force yet. */
static int
lay_on(const struct rules *rules, bool spares_abstract, uint32_t identity,
    bool is_required)
{
	/* Without this only root may restrict itself. */
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL);
	if (rules->is_incomplete)
		errno = ENOMEM;
	else
		applied.version = restrict_files(rules, spares_abstract);
	if (applied.version <= 0) {
		int status = complain("restrict access to files", is_required);
		if (status != 0)
			return status;
		applied.version = 0;
	}
	applied.is_filtered =
	    seccomp_restrict(identity, (unsigned)applied.version) == 0;
	return applied.is_filtered
		   ? 0
		   : complain("filter system calls", is_required);
}

bool
sandbox_is_in_force(void)
{
	return seccomp_ask(SECCOMP_ANY) != -1;
}

/* A sandbox that was inherited lacks what it lacked when it was laid on. */
static int
check_inherited(bool is_required)
{
	if (applied.version > 0)
		return 0;
	errno = EOPNOTSUPP;
	return complain("restrict access to files", is_required);
}

int
sandbox_apply(const struct sandbox_needs *needs, bool is_required)
{
	struct rules *rules = &rules_in_making;
	collect(rules, needs);
	uint32_t identity = identify(rules, needs->connects_abstract);
	applied.version = seccomp_ask(identity);
	applied.is_filtered = applied.version != -1;
	if (applied.is_filtered)
		return check_inherited(is_required);
	return lay_on(rules, needs->connects_abstract, identity, is_required);
}

static void
report_files(const struct sandbox_needs *needs)
{
	char config[PRINTABLE_MAX] = "", program[PRINTABLE_MAX] = "";
	if (needs->config != NULL)
		(void)printable_cut(needs->config, config, sizeof config);
	if (needs->program != NULL)
		(void)printable_cut(needs->program, program, sizeof program);
	log_info("sandbox: only the log can be written, and only files of the "
		 "system%s%s%s%s can be read",
	    config[0] != '\0' ? " and in the folder of " : "", config,
	    program[0] != '\0' ? " and in the folder of " : "", program);
}

void
sandbox_report_applied(const struct sandbox_needs *needs, bool is_required)
{
	const int version = applied.version;
	(void)is_required;
	if (version > 0)
		report_files(needs);
	if (version >= LANDLOCK_SCOPES)
		log_info("sandbox: no TCP connection can be opened but to port "
			 "%d, and no other process be signalled%s",
		    PORT_OF_DNS,
		    needs->connects_abstract
			? ""
			: " or reached by an abstract Unix socket");
	else if (version >= LANDLOCK_TCP)
		log_info("sandbox: no TCP connection can be opened but to port "
			 "%d; signals to other processes cannot be prevented "
			 "on this kernel (Landlock %d)",
		    PORT_OF_DNS, version);
	else if (version > 0)
		log_info("sandbox: TCP connections and signals to other "
			 "processes cannot be prevented on this kernel "
			 "(Landlock %d)",
		    version);
	if (applied.is_filtered)
		log_info("sandbox: %zu system calls are refused, and so are "
			 "sockets of other families, name spaces and input to "
			 "terminals",
		    nrefused_calls);
}

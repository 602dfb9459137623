/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/sandbox_landlock.h"

#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

/*
 * What landlock(7) has, for headers that are older than the kernel.  The
 * numbers are the same on all processors for which upcased is built.
 */
enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446 };
enum { ASK_VERSION = 1 };
enum { RULE_PATH = 1, RULE_PORT = 2 };

struct ruleset {
	uint64_t files, tcp, scopes;
};
struct path_rule {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));
struct port_rule {
	uint64_t allowed, port;
};

enum {
	EXECUTE = 1 << 0,
	WRITE_FILE = 1 << 1,
	READ_FILE = 1 << 2,
	READ_DIR = 1 << 3,
	/* Up to here is the first version: remove and make of each kind. */
	FIRST = (1 << 13) - 1,
	REFER = 1 << 13,
	TRUNCATE = 1 << 14,
	IOCTL_DEV = 1 << 15
};
enum { CONNECT_TCP = 1 << 1 };
enum { ABSTRACT_SOCKETS = 1 << 0, SIGNALS = 1 << 1 };

/* What can be allowed for something that is no folder. */
static const uint64_t of_file =
    EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV;

int
landlock_version(void)
{
	return (int)syscall(CREATE_RULESET, NULL, 0UL, ASK_VERSION);
}

/*
 * Binding is not restricted, since a reload may serve any port.  Nor is what
 * the versions after these bring: a Unix socket is connected to by its path
 * when the log of the host is started again.
 */
static struct ruleset
rights_of(int version, bool spares_abstract)
{
	struct ruleset rights = {.files = FIRST};
	if (version >= 2)
		rights.files |= REFER;
	if (version >= 3)
		rights.files |= TRUNCATE;
	if (version >= LANDLOCK_TCP)
		rights.tcp = CONNECT_TCP;
	if (version >= 5)
		rights.files |= IOCTL_DEV;
	if (version >= LANDLOCK_SCOPES)
		rights.scopes =
		    spares_abstract ? SIGNALS : SIGNALS | ABSTRACT_SOCKETS;
	return rights;
}

static uint64_t
allowed_by(enum landlock_right right)
{
	switch (right) {
	case LANDLOCK_EXECUTE:
		return EXECUTE | READ_FILE | READ_DIR;
	case LANDLOCK_WRITE:
		return WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV;
	case LANDLOCK_READ:
		break;
	}
	return READ_FILE | READ_DIR;
}

/* Pipes and sockets are never restricted, and no rule can be made of them. */
static int
add_path(int ruleset, int fd, uint64_t allowed, const struct ruleset *rights)
{
	struct stat status;
	if (fstat(fd, &status) == -1)
		return -1;
	if (!S_ISDIR(status.st_mode))
		allowed &= of_file;
	const struct path_rule rule = {
	    .allowed = allowed & rights->files, .fd = fd};
	if (syscall(ADD_RULE, ruleset, RULE_PATH, &rule, 0U) == 0 ||
	    errno == EBADFD)
		return 0;
	return -1;
}

/* What is not there, or not to be reached by the account, needs no rule. */
static bool
is_absent(int error)
{
	return error == ENOENT || error == ENOTDIR || error == EACCES ||
	       error == ELOOP || error == ENAMETOOLONG;
}

static int
add_rule(
    int ruleset, const struct landlock_rule *rule, const struct ruleset *rights)
{
	int fd = open(rule->path, O_PATH | O_CLOEXEC);
	if (fd == -1)
		return is_absent(errno) ? 0 : -1;
	int result = add_path(ruleset, fd, allowed_by(rule->right), rights);
	int saved = errno;
	(void)close(fd);
	errno = saved;
	return result;
}

static int
fill(int ruleset, const struct ruleset *rights,
    const struct landlock_rule *rules, size_t n, unsigned port)
{
	for (size_t i = 0; i < n; i++) {
		if (add_rule(ruleset, &rules[i], rights) == -1)
			return -1;
	}
	/* The next process opens the log again, whose path may be gone. */
	if (add_path(ruleset, STDERR_FILENO, allowed_by(LANDLOCK_WRITE),
		rights) == -1 &&
	    errno != EBADF)
		return -1;
	if (rights->tcp == 0)
		return 0;
	const struct port_rule rule = {.allowed = CONNECT_TCP, .port = port};
	return (int)syscall(ADD_RULE, ruleset, RULE_PORT, &rule, 0U);
}

int
landlock_restrict(int version, const struct landlock_rule *rules, size_t n,
    unsigned port, bool spares_abstract)
{
	const struct ruleset rights = rights_of(version, spares_abstract);
	/* An older kernel takes a longer structure if what it lacks is 0. */
	int ruleset = (int)syscall(CREATE_RULESET, &rights, sizeof rights, 0U);
	if (ruleset == -1)
		return -1;
	int result = fill(ruleset, &rights, rules, n, port);
	if (result == 0)
		result = (int)syscall(RESTRICT_SELF, ruleset, 0U);
	int saved = errno;
	(void)close(ruleset);
	errno = saved;
	return result;
}

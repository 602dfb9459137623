/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/privileges.h"

#include "base/log.h"
#include "base/printable.h"
#include "daemon/hardening.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <sysexits.h>
#include <unistd.h>

/* Room for the name of an account in the log. */
enum { ACCOUNT_MAX = 64 };

/*
 * Looks an account up.  NULL with errno 0 says that there is none, anything
 * else that it could not be looked up.
 */
static const struct passwd *
find_account(const char *name)
{
	errno = 0;
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there are no threads yet. */
	const struct passwd *account = getpwnam(name);
	/* The ways in which systems say that there is none: getpwnam(3). */
	if (account == NULL && (errno == ENOENT || errno == ESRCH ||
				   errno == EBADF || errno == EPERM))
		errno = 0;
	return account;
}

static const struct passwd *
default_account(void)
{
	const struct passwd *account = find_account("upcased");
	if (account != NULL || errno != 0)
		return account;
	account = find_account("nobody");
	if (account != NULL)
		log_warnx("there is no account upcased: serving as nobody, "
			  "which other programs may use as well");
	return account;
}

static int
explain_missing(const char *name)
{
	char shown[ACCOUNT_MAX];
	(void)printable_cut(name, shown, sizeof shown);
	if (errno != 0) {
		log_error("cannot look up the account '%s'; check the name "
			  "service (nsswitch.conf)",
		    shown);
		return EX_OSERR;
	}
	log_errorx("there is no account '%s'; create it, or name another with "
		   "--user",
	    shown);
	return EX_NOUSER;
}

int
privileges_check(const char *user)
{
	if (user[0] == '\0' || find_account(user) != NULL)
		return 0;
	return explain_missing(user);
}

/* What an account does not need, and nobody can give it back. */
static int
give_up_capabilities(void)
{
	if (hardening_drop() == 0)
		return 0;
	log_error("cannot give up the capabilities; let the sandbox it is "
		  "started in allow capset(2)");
	return errno == EPERM ? EX_NOPERM : EX_OSERR;
}

/* A root that may not change, as in a container, may not at the next start. */
static int
explain_refused(const char *name)
{
	/* The latter is for an account that a user namespace does not have. */
	if (errno == EPERM || errno == EINVAL) {
		log_error("cannot become %s; give root the right to change its "
			  "account (CAP_SETUID, CAP_SETGID), or start it as "
			  "another account",
		    name);
		return EX_NOPERM;
	}
	log_error("cannot become %s; its limit of processes (ulimit -u) may be "
		  "reached",
	    name);
	return EX_OSERR;
}

/* Groups first: without user 0 they could no longer be changed. */
static int
become(const struct passwd *account, void (*give)(uid_t, void *), void *arg)
{
	give(account->pw_uid, arg);
	hardening_bound();
	if (setgroups(1, &account->pw_gid) == -1 ||
	    setgid(account->pw_gid) == -1 || setuid(account->pw_uid) == -1)
		return explain_refused(account->pw_name);
	/* The securebits of root may let an account keep capabilities. */
	int status = give_up_capabilities();
	if (status != 0)
		return status;
	if (setuid(0) != -1 || seteuid(0) != -1 || getuid() == 0 ||
	    geteuid() == 0) {
		log_errorx("%s could become root again; start it with the "
			   "rights to change for good (CAP_SETUID, "
			   "CAP_SETGID), or not as root",
		    account->pw_name);
		return EX_NOPERM;
	}
	return 0;
}

/* Without being root there is no choice. */
static int
check_account(const char *user)
{
	const struct passwd *account;
	if (user[0] == '\0')
		return 0;
	account = find_account(user);
	if (account == NULL)
		return explain_missing(user);
	if (account->pw_uid == getuid())
		return 0;
	char shown[ACCOUNT_MAX];
	log_errorx("only root can become %s; start it as root or leave out "
		   "--user",
	    printable_cut(user, shown, sizeof shown));
	return EX_NOPERM;
}

/* Some rights do not come with user 0. */
static int
serve_as_plain_user(const char *user)
{
	int status = check_account(user);
	if (status != 0)
		return status;
	hardening_bound();
	return give_up_capabilities();
}

int
privileges_drop(
    const char *user, void (*give)(uid_t account, void *arg), void *arg)
{
	if (geteuid() != 0 && getuid() != 0)
		return serve_as_plain_user(user);
	const struct passwd *account =
	    user[0] == '\0' ? default_account() : find_account(user);
	if (account == NULL)
		return explain_missing(user[0] == '\0' ? "nobody" : user);
	if (account->pw_uid == 0) {
		log_errorx("%s is root; name another account with --user",
		    account->pw_name);
		return EX_NOPERM;
	}
	if (account->pw_gid == 0) {
		log_errorx("the group of %s is that of root; give it another "
			   "group, or name another account with --user",
		    account->pw_name);
		return EX_NOPERM;
	}
	return become(account, give, arg);
}

/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/privileges.h"

#include "base/log.h"
#include "daemon/account.h"
#include "daemon/hardening.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static int
check_root(const struct account *account)
{
	if (account->user == 0) {
		log_errorx("%s is root; name another account with --user",
		    account->shown);
		return EX_NOPERM;
	}
	if (account->group == 0) {
		log_errorx("the group of %s is that of root; give it another "
			   "group, or name another account with --user",
		    account->shown);
		return EX_NOPERM;
	}
	return 0;
}

int
privileges_check(const char *user)
{
	struct account account;
	if (user[0] == '\0' ||
	    (getuid() != 0 && account_is(user, getuid(), getgid())))
		return 0;
	int status = account_find(&account, user);
	return status != 0 ? status : check_root(&account);
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
become(const struct account *account, void (*give)(uid_t, void *), void *arg)
{
	give(account->user, arg);
	hardening_bound();
	if (setgroups(1, &account->group) == -1 ||
	    setgid(account->group) == -1 || setuid(account->user) == -1)
		return explain_refused(account->shown);
	/* The securebits of root may let an account keep capabilities. */
	int status = give_up_capabilities();
	if (status != 0)
		return status;
	if (setuid(0) != -1 || seteuid(0) != -1 || getuid() == 0 ||
	    geteuid() == 0) {
		log_errorx("%s could become root again; start it with the "
			   "rights to change for good (CAP_SETUID, "
			   "CAP_SETGID), or not as root",
		    account->shown);
		return EX_NOPERM;
	}
	return 0;
}

/* Without being root there is no choice. */
static int
check_account(const char *user)
{
	struct account account;
	if (user[0] == '\0' || account_is(user, getuid(), getgid()))
		return 0;
	int status = account_find(&account, user);
	if (status != 0)
		return status;
	/* The group of a name is a matter of who started the daemon. */
	if (account.user == getuid() && strchr(user, ':') == NULL)
		return 0;
	log_errorx("only root can become %s; start it as root or leave out "
		   "--user",
	    account.shown);
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
	struct account account;
	int status = user[0] == '\0' ? account_find_default(&account)
				     : account_find(&account, user);
	if (status == 0)
		status = check_root(&account);
	return status != 0 ? status : become(&account, give, arg);
}

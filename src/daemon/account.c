/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "daemon/account.h"

#include "base/log.h"
#include "base/printable.h"
#include "config/values.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

/* The greatest of all, -1, stands for none in the calls that take a number. */
#define NUMBER_MAX (UINT32_MAX - 1)

_Static_assert(
    sizeof(uid_t) == sizeof(uint32_t) && sizeof(gid_t) == sizeof(uint32_t),
    "a number of an account has 32 bits");

/* Room for the digits of a number and zeros before them. */
enum { NUMBER_TEXT_MAX = 24 };

/* What a text in numbers says. */
struct numbers {
	uint32_t user, group;
	bool has_group;
};

static bool
read_number(const char *text, size_t length, uint32_t *number)
{
	char digits[NUMBER_TEXT_MAX];
	uint64_t value;
	if (length >= sizeof digits)
		return false;
	memcpy(digits, text, length);
	digits[length] = '\0';
	if (value_parse(&value_number, digits, &value) == -1 ||
	    value > NUMBER_MAX)
		return false;
	*number = (uint32_t)value;
	return true;
}

/*
 * No name of an account has a colon, which ends it in the database, and one of
 * digits alone would be taken for a number by many programs.
 */
static bool
is_name(const char *text)
{
	return strchr(text, ':') == NULL &&
	       text[strspn(text, "0123456789")] != '\0';
}

static bool
read_numbers(const char *text, struct numbers *numbers)
{
	size_t length = strcspn(text, ":");
	numbers->has_group = text[length] == ':';
	if (!read_number(text, length, &numbers->user))
		return false;
	if (!numbers->has_group)
		return true;
	const char *group = text + length + 1;
	return read_number(group, strlen(group), &numbers->group);
}

static bool
parse(const struct option_field *field, const char *text, void *member)
{
	struct numbers numbers;
	if (!is_name(text) && !read_numbers(text, &numbers))
		return false;
	return option_text.parse(field, text, member);
}

static bool
print(const struct option_field *field, const void *member,
    char text[static OPTION_TEXT_MAX])
{
	return option_text.print(field, member, text);
}

static void
want(const struct option_field *field, char sentence[static SENTENCE_MAX])
{
	sentence_add(sentence,
	    "the name of an account, of at most %zu bytes, its number, at "
	    "most %" PRIu32 ", or USER:GROUP in numbers",
	    field->size - 1, NUMBER_MAX);
}

const struct option_kind option_account = {parse, print, want, NULL};

/* Whatever systems leave in errno when there is none: getpwnam(3). */
static void
tell_missing_from_failed(void)
{
	if (errno == ENOENT || errno == ESRCH || errno == EBADF ||
	    errno == EPERM)
		errno = 0;
}

/*
 * Looks an account up.  NULL with errno 0 says that there is none, anything
 * else that it could not be looked up.
 */
static const struct passwd *
look_up_name(const char *name)
{
	errno = 0;
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there are no threads yet. */
	const struct passwd *entry = getpwnam(name);
	if (entry == NULL)
		tell_missing_from_failed();
	return entry;
}

static const struct passwd *
look_up_number(uid_t user)
{
	errno = 0;
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there are no threads yet. */
	const struct passwd *entry = getpwuid(user);
	if (entry == NULL)
		tell_missing_from_failed();
	return entry;
}

static int
explain_missing(const char *shown, bool is_number)
{
	if (errno != 0) {
		log_error("cannot look up the account '%s'; check the name "
			  "service (nsswitch.conf)",
		    shown);
		return EX_OSERR;
	}
	if (is_number)
		log_errorx("there is no account with the number %s, so its "
			   "group is not known; give both, as in --user "
			   "%s:%s",
		    shown, shown, shown);
	else
		log_errorx("there is no account '%s'; create it, or name "
			   "another with --user",
		    shown);
	return EX_NOUSER;
}

static void
take(struct account *account, const struct passwd *entry)
{
	account->user = entry->pw_uid;
	account->group = entry->pw_gid;
}

int
account_find(struct account *account, const char *text)
{
	struct numbers numbers;
	(void)printable_cut(text, account->shown, sizeof account->shown);
	bool is_number = !is_name(text) && read_numbers(text, &numbers);
	if (is_number && numbers.has_group) {
		account->user = numbers.user;
		account->group = numbers.group;
		return 0;
	}
	const struct passwd *entry =
	    is_number ? look_up_number(numbers.user) : look_up_name(text);
	if (entry == NULL)
		return explain_missing(account->shown, is_number);
	take(account, entry);
	return 0;
}

int
account_find_default(struct account *account)
{
	static const char ours[] = "upcased", anybodys[] = "nobody";
	const struct passwd *entry = look_up_name(ours);
	(void)snprintf(account->shown, sizeof account->shown, "%s", ours);
	if (entry == NULL && errno == 0) {
		entry = look_up_name(anybodys);
		(void)snprintf(
		    account->shown, sizeof account->shown, "%s", anybodys);
		if (entry != NULL)
			log_warnx("there is no account upcased: serving as "
				  "nobody, which other programs may use as "
				  "well");
	}
	if (entry == NULL)
		return explain_missing(account->shown, false);
	take(account, entry);
	return 0;
}

bool
account_is(const char *text, uid_t user, gid_t group)
{
	struct numbers numbers;
	return !is_name(text) && read_numbers(text, &numbers) &&
	       numbers.user == user &&
	       (!numbers.has_group || numbers.group == group);
}

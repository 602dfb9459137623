/* SPDX-License-Identifier: ISC */
/* Changes of what is listened on: whole or not at all, and who notices. */
#include "config.h"

#include "unit/runner.h"
#include "unit/server/listener_fixture.h"

#include <netinet/in.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES_MAX = 8 };

/* All addresses, and one of them. */
#define ANY       INADDR_ANY
#define LOOPBACK  INADDR_LOOPBACK
#define ELSEWHERE 0xc0000201 /* 192.0.2.1 */

struct place {
	uint32_t host; /* of IPv4 */
	uint16_t port;
};

static struct sockaddr_in places[PLACES_MAX];
static struct listen_address wanted[PLACES_MAX];
static size_t refused;
static bool are_proxied; /* all clients of the next list */

/* Prepares to listen on the places, which port 0 ends unless all is given. */
static int
prepare(size_t n, const struct place *list)
{
	for (size_t i = 0; i < n; i++) {
		places[i] = (struct sockaddr_in){
		    .sin_family = AF_INET,
		    .sin_port = htons(list[i].port),
		    .sin_addr.s_addr = htonl(list[i].host),
		};
		wanted[i] = (struct listen_address){
		    .transport = &transport_tcp,
		    .service = &service_text,
		    .address = (const struct sockaddr *)&places[i],
		    .length = sizeof places[i],
		    .is_proxied = are_proxied,
		};
	}
	refused = SIZE_MAX;
	return listening_prepare(&listeners, wanted, n, &refused);
}

#define PREPARE(...)                                                           \
	prepare(sizeof((const struct place[]){__VA_ARGS__}) /                  \
		    sizeof(struct place),                                      \
	    (const struct place[]){__VA_ARGS__})

#define CHANGE(...)                                                            \
	do {                                                                   \
		ck_assert_int_eq(PREPARE(__VA_ARGS__), 0);                     \
		ck_assert_int_eq(listening_change(&listeners, BACKLOG), 0);    \
	} while (0)

/* The socket that listens on the place, or NULL. */
static struct kernel_socket *
at(uint32_t host, uint16_t port)
{
	for (int fd = 0; fd <= kernel_highest(); fd++) {
		if (!kernel_is_open(fd))
			continue;
		struct kernel_socket *socket = kernel_find(fd);
		const struct sockaddr_in *in =
		    (const struct sockaddr_in *)&socket->address;
		if (socket->is_listening && in->sin_port == htons(port) &&
		    in->sin_addr.s_addr == htonl(host))
			return socket;
	}
	return NULL;
}

static size_t
count_sockets(void)
{
	size_t n = 0;
	for (int fd = 0; fd <= kernel_highest(); fd++)
		n += kernel_is_open(fd) && kernel_find(fd)->is_listening;
	return n;
}

static size_t
count_listeners(void)
{
	size_t n = 0;
	for (struct list *link = listeners.all.next; link != &listeners.all;
	     link = link->next)
		n++;
	return n;
}

/* Whether a client that comes there is accepted. */
static bool
serves(struct kernel_socket *socket)
{
	int before = naccepted;
	(void)kernel_queue(socket, 0);
	turn();
	return naccepted == before + 1;
}

static bool
shares(struct kernel_socket *socket)
{
	return kernel_option(socket, SOL_SOCKET, SO_REUSEPORT) == 1;
}

START_TEST(all_addresses_of_the_start_are_new_and_none_shares_its_own)
{
	CHANGE({LOOPBACK, 7}, {LOOPBACK, 8}, {ANY, 9});
	ck_assert_uint_eq(count_sockets(), 3);
	for (uint16_t port = 7; port <= 9; port++) {
		struct kernel_socket *socket =
		    at(port == 9 ? ANY : LOOPBACK, port);
		ck_assert_int_eq(socket->backlog, BACKLOG);
		ck_assert(!shares(socket));
		ck_assert(serves(socket));
	}
}
END_TEST

START_TEST(what_stays_keeps_its_socket_in_any_order)
{
	CHANGE({LOOPBACK, 7}, {LOOPBACK, 8}, {LOOPBACK, 9});
	struct kernel_socket *seven = at(LOOPBACK, 7), *nine = at(LOOPBACK, 9);
	(void)kernel_queue(seven, 0);
	size_t nsockets = kernel.calls[KERNEL_SOCKET];
	CHANGE({LOOPBACK, 9}, {LOOPBACK, 10}, {LOOPBACK, 7});
	ck_assert_ptr_eq(at(LOOPBACK, 7), seven);
	ck_assert_ptr_eq(at(LOOPBACK, 9), nine);
	ck_assert_ptr_null(at(LOOPBACK, 8));
	ck_assert_uint_eq(kernel.calls[KERNEL_SOCKET], nsockets + 1);
	/* Its queue too. */
	turn();
	ck_assert_int_eq(naccepted, 1);
	ck_assert(serves(seven) && serves(nine) && serves(at(LOOPBACK, 10)));
	/* Nothing happens where nothing changes. */
	nsockets = kernel.calls[KERNEL_SOCKET];
	size_t nwatches = kernel.calls[KERNEL_WATCH];
	CHANGE({LOOPBACK, 7}, {LOOPBACK, 9}, {LOOPBACK, 10});
	ck_assert_uint_eq(kernel.calls[KERNEL_SOCKET], nsockets);
	ck_assert_uint_eq(kernel.calls[KERNEL_WATCH], nwatches);
}
END_TEST

START_TEST(clients_of_an_address_that_goes_are_accepted_before_it_is_closed)
{
	CHANGE({LOOPBACK, 7}, {LOOPBACK, 8});
	struct kernel_socket *seven = at(LOOPBACK, 7);
	for (int i = 0; i < 3; i++)
		(void)kernel_queue(seven, 0);
	/* It is ready when the change is made. */
	ck_assert_int_eq(loop_turn(loop), 0);
	ck_assert_uint_eq(listeners.nready, 1);
	CHANGE({LOOPBACK, 8});
	ck_assert_int_eq(naccepted, 3);
	ck_assert(seven->closed && seven->ignores_new);
	ck_assert(!at(LOOPBACK, 8)->ignores_new);
	ck_assert_uint_eq(listeners.nready, 0);
	ck_assert(serves(at(LOOPBACK, 8)));
}
END_TEST

START_TEST(a_prepared_change_that_is_not_made_serves_nobody)
{
	CHANGE({LOOPBACK, 7});
	ck_assert_int_eq(PREPARE({LOOPBACK, 8}), 0);
	(void)kernel_queue(at(LOOPBACK, 8), 0);
	turn();
	ck_assert_int_eq(naccepted, 0);
	ck_assert(serves(at(LOOPBACK, 7)));
	ck_assert_int_eq(listening_change(&listeners, BACKLOG), 0);
	turn();
	ck_assert_int_eq(naccepted, 2);
}
END_TEST

/* What an old listener has to be after a change that failed. */
static void
expect_as_before(struct kernel_socket *seven, struct kernel_socket *any)
{
	ck_assert_uint_eq(count_sockets(), 2);
	ck_assert_uint_eq(count_listeners(), 2);
	ck_assert(!seven->closed && !any->closed);
	ck_assert(!shares(seven) && !shares(any));
	ck_assert_int_eq(seven->wants, POLLER_INPUT);
	ck_assert_int_eq(any->wants, POLLER_INPUT);
	ck_assert(!listeners.shares);
}

START_TEST(a_call_that_fails_in_the_preparation_leaves_all_as_it_was)
{
	/* The second address overlaps one that goes, so it takes more calls. */
	static const struct {
		enum kernel_call call;
		size_t n, refused[4];
	} cases[] = {
	    {KERNEL_SOCKET, 4, {0, 1, 1, 2}},
	    {KERNEL_BIND, 4, {0, 0, 1, 2}},
	    {KERNEL_LISTEN, 3, {0, 1, 2}},
	};
	CHANGE({LOOPBACK, 7}, {ANY, 8});
	struct kernel_socket *seven = at(LOOPBACK, 7), *any = at(ANY, 8);
	for (int i = 0; i < LENGTH(cases); i++) {
		for (size_t nth = 1; nth <= cases[i].n; nth++) {
			/* Bind is in use by itself at its second call. */
			if (cases[i].call == KERNEL_BIND && nth == 2)
				continue;
			kernel_fail(cases[i].call, nth, ENOSPC);
			kernel_fail(KERNEL_CLOSE, 1, EIO);
			ck_assert_int_eq(PREPARE({LOOPBACK, 9}, {LOOPBACK, 8},
					     {LOOPBACK, 10}, {LOOPBACK, 7}),
			    -1);
			ck_assert_int_eq(errno, ENOSPC);
			ck_assert_uint_eq(
			    refused, cases[i].call == KERNEL_BIND && nth == 1
					 ? 0
					 : cases[i].refused[nth - 1]);
			expect_as_before(seven, any);
		}
	}
	ck_assert(serves(seven) && serves(any));
	CHANGE({LOOPBACK, 9}, {LOOPBACK, 8}, {LOOPBACK, 10}, {LOOPBACK, 7});
	ck_assert_ptr_eq(at(LOOPBACK, 7), seven);
	ck_assert(listening_has_retired(&listeners));
	listening_retire(&listeners);
	ck_assert(any->closed);
}
END_TEST

START_TEST(a_watch_that_fails_in_the_change_leaves_all_as_it_was)
{
	CHANGE({LOOPBACK, 7}, {ANY, 8});
	struct kernel_socket *seven = at(LOOPBACK, 7), *any = at(ANY, 8);
	for (size_t nth = 1; nth <= 3; nth++) {
		ck_assert_int_eq(PREPARE({LOOPBACK, 9}, {LOOPBACK, 8},
				     {LOOPBACK, 10}, {LOOPBACK, 7}),
		    0);
		kernel_fail(KERNEL_WATCH, nth, ENOSPC);
		ck_assert_int_eq(listening_change(&listeners, BACKLOG), -1);
		ck_assert_int_eq(errno, ENOSPC);
		expect_as_before(seven, any);
	}
	ck_assert(serves(seven) && serves(any));
}
END_TEST

START_TEST(the_socket_of_one_address_stays_when_all_are_served)
{
	CHANGE({LOOPBACK, 7}, {ELSEWHERE, 7}, {LOOPBACK, 8});
	struct kernel_socket *one = at(LOOPBACK, 7);
	struct kernel_socket *other = at(ELSEWHERE, 7);
	ck_assert_int_eq(PREPARE({ANY, 7}, {LOOPBACK, 8}), 0);
	struct kernel_socket *all = at(ANY, 7);
	ck_assert(shares(one) && shares(other) && shares(all));
	ck_assert_int_eq(listening_change(&listeners, BACKLOG), 0);
	ck_assert(!shares(one) && !shares(other) && !shares(all));
	ck_assert(serves(one) && serves(other) && serves(all));
	ck_assert(!listening_has_retired(&listeners));
	/* That is so for as long as all are. */
	CHANGE({ANY, 7});
	ck_assert(serves(one) && serves(other) && serves(all));
	/* And back. */
	size_t nsockets = kernel.calls[KERNEL_SOCKET];
	CHANGE({LOOPBACK, 7});
	ck_assert_uint_eq(kernel.calls[KERNEL_SOCKET], nsockets);
	ck_assert(serves(one) && other->closed);
	/* Who has begun to connect to the one by all is served. */
	ck_assert(listening_has_retired(&listeners));
	ck_assert(serves(all));
	(void)kernel_queue(all, 0);
	listening_retire(&listeners);
	ck_assert(all->closed && !listening_has_retired(&listeners));
	ck_assert(!one->closed);
	ck_assert_uint_eq(count_listeners(), 1);
}
END_TEST

START_TEST(the_socket_of_all_addresses_stays_for_a_moment)
{
	CHANGE({ANY, 7}, {ANY, 8});
	struct kernel_socket *all = at(ANY, 7), *eight = at(ANY, 8);
	ck_assert_int_eq(PREPARE({LOOPBACK, 7}), 0);
	struct kernel_socket *one = at(LOOPBACK, 7);
	ck_assert(shares(one) && shares(all));
	ck_assert_int_eq(listening_change(&listeners, BACKLOG), 0);
	ck_assert(!shares(one) && !shares(all));
	/* Nothing of the other is served on. */
	ck_assert(eight->closed && !all->closed);
	ck_assert(serves(one) && serves(all));
	/* It may come back before it is gone. */
	size_t nsockets = kernel.calls[KERNEL_SOCKET];
	CHANGE({ANY, 7});
	ck_assert_uint_eq(kernel.calls[KERNEL_SOCKET], nsockets);
	ck_assert(!listening_has_retired(&listeners));
	listening_retire(&listeners);
	ck_assert(serves(one) && serves(all));
	CHANGE({LOOPBACK, 7});
	ck_assert(listening_has_retired(&listeners));
	/* Another change ends it where nothing is left of it. */
	CHANGE({LOOPBACK, 9});
	ck_assert(all->closed && one->closed);
	ck_assert(!listening_has_retired(&listeners));
}
END_TEST

/* Whether those who come there now are taken for proxies. */
static bool
has_proxies(const struct kernel_socket *socket)
{
	struct list *link = listeners.all.next;
	while (listener_at(link)->watch.fd != socket->fd)
		link = link->next;
	return listener_at(link)->is_proxied;
}

START_TEST(the_attribute_for_proxies_comes_and_goes_while_the_socket_stays)
{
	CHANGE({LOOPBACK, 7});
	struct kernel_socket *one = at(LOOPBACK, 7);
	size_t nsockets = kernel.calls[KERNEL_SOCKET];
	ck_assert(!has_proxies(one));
	are_proxied = true;
	ck_assert_int_eq(PREPARE({LOOPBACK, 7}), 0);
	ck_assert(!has_proxies(one));
	ck_assert_int_eq(listening_change(&listeners, BACKLOG), 0);
	ck_assert(has_proxies(one) && serves(one));
	are_proxied = false;
	kernel_fail(KERNEL_BIND, 1, EADDRINUSE);
	ck_assert_int_eq(PREPARE({LOOPBACK, 7}, {LOOPBACK, 8}), -1);
	ck_assert(has_proxies(one));
	CHANGE({LOOPBACK, 7});
	ck_assert(!has_proxies(one) && serves(one));
	ck_assert_uint_eq(kernel.calls[KERNEL_SOCKET], nsockets + 1);
}
END_TEST

START_TEST(what_covers_an_address_says_whether_it_has_proxies)
{
	are_proxied = true;
	CHANGE({LOOPBACK, 7}, {ELSEWHERE, 7});
	struct kernel_socket *one = at(LOOPBACK, 7);
	struct kernel_socket *other = at(ELSEWHERE, 7);
	ck_assert(has_proxies(one) && has_proxies(other));
	are_proxied = false;
	CHANGE({ANY, 7});
	struct kernel_socket *all = at(ANY, 7);
	ck_assert(
	    !has_proxies(one) && !has_proxies(other) && !has_proxies(all));
	are_proxied = true;
	CHANGE({ANY, 7});
	ck_assert(has_proxies(one) && has_proxies(other) && has_proxies(all));
	/* Who has begun to connect to what goes is served as it promised. */
	are_proxied = false;
	CHANGE({LOOPBACK, 7});
	ck_assert(!has_proxies(one) && has_proxies(all));
	listening_retire(&listeners);
}
END_TEST

START_TEST(sockets_that_stay_do_not_add_up)
{
	for (uint32_t i = 0; i < 20; i++) {
		struct place one[] = {{LOOPBACK + i, 7}, {LOOPBACK + i + 1, 7}};
		ck_assert_int_eq(prepare(2, one), 0);
		ck_assert_int_eq(listening_change(&listeners, BACKLOG), 0);
		ck_assert_uint_eq(count_sockets(), i == 0 ? 2 : 3);
		CHANGE({ANY, 7});
		ck_assert_uint_eq(count_sockets(), 3);
	}
}
END_TEST

START_TEST(an_address_that_overlaps_one_that_stays_is_refused)
{
	CHANGE({LOOPBACK, 7}, {ELSEWHERE, 7});
	struct kernel_socket *loopback = at(LOOPBACK, 7);
	ck_assert_int_eq(PREPARE({LOOPBACK, 7}, {ANY, 7}), -1);
	ck_assert_int_eq(errno, EADDRINUSE);
	ck_assert_uint_eq(refused, 1);
	ck_assert_uint_eq(count_sockets(), 2);
	ck_assert(!shares(loopback) && !shares(at(ELSEWHERE, 7)));
	/* Or one that comes with it. */
	ck_assert_int_eq(PREPARE({LOOPBACK, 8}, {ANY, 8}), -1);
	ck_assert_int_eq(errno, EADDRINUSE);
	ck_assert_uint_eq(count_sockets(), 2);
}
END_TEST

START_TEST(an_address_that_another_program_has_is_refused)
{
	CHANGE({LOOPBACK, 7});
	kernel_fail(KERNEL_BIND, 1, EADDRINUSE);
	ck_assert_int_eq(PREPARE({LOOPBACK, 8}), -1);
	ck_assert_int_eq(errno, EADDRINUSE);
	ck_assert_uint_eq(refused, 0);
	ck_assert(!shares(at(LOOPBACK, 7)));
}
END_TEST

START_TEST(a_port_that_the_system_chose_stays_with_its_entry)
{
	CHANGE({LOOPBACK, 0}, {LOOPBACK, 0});
	ck_assert_uint_eq(count_sockets(), 2);
	size_t nsockets = kernel.calls[KERNEL_SOCKET];
	CHANGE({LOOPBACK, 0}, {LOOPBACK, 7}, {LOOPBACK, 0});
	ck_assert_uint_eq(kernel.calls[KERNEL_SOCKET], nsockets + 1);
	ck_assert_uint_eq(count_sockets(), 3);
	CHANGE({LOOPBACK, 0}, {LOOPBACK, 7});
	ck_assert_uint_eq(kernel.calls[KERNEL_SOCKET], nsockets + 1);
	ck_assert_uint_eq(count_sockets(), 2);
	ck_assert_uint_eq(count_listeners(), 2);
}
END_TEST

START_TEST(of_entries_that_are_the_same_the_first_stay)
{
	CHANGE({LOOPBACK, 0}, {LOOPBACK, 0}, {LOOPBACK, 0});
	struct kernel_socket *sockets[3];
	struct list *link = listeners.all.next;
	for (int i = 0; i < 3; i++, link = link->next)
		sockets[i] = kernel_find(listener_at(link)->watch.fd);
	/* Those that accept go to the end of the list. */
	ck_assert(serves(sockets[0]) && serves(sockets[1]));
	CHANGE({LOOPBACK, 0}, {LOOPBACK, 0});
	ck_assert(!sockets[0]->closed && !sockets[1]->closed);
	ck_assert(sockets[2]->closed);
	ck_assert(serves(sockets[0]));
	CHANGE({LOOPBACK, 0});
	ck_assert(!sockets[0]->closed && sockets[1]->closed);
}
END_TEST

START_TEST(what_comes_while_nothing_may_be_accepted_waits_as_well)
{
	CHANGE({LOOPBACK, 7});
	nallowed = 0;
	(void)kernel_queue(at(LOOPBACK, 7), 0);
	turn();
	ck_assert(listeners.paused);
	CHANGE({LOOPBACK, 7}, {LOOPBACK, 8});
	struct kernel_socket *eight = at(LOOPBACK, 8);
	ck_assert_int_eq(eight->wants, POLLER_NOTHING);
	(void)kernel_queue(eight, 0);
	turn();
	ck_assert_int_eq(naccepted, 0);
	/* One that goes may be closed without ever having been watched. */
	CHANGE({LOOPBACK, 8}, {LOOPBACK, 9});
	CHANGE({LOOPBACK, 8});
	nallowed = 10;
	listeners_resume(&listeners);
	turn();
	ck_assert_int_eq(naccepted, 1);
	ck_assert(serves(eight));
}
END_TEST

START_TEST(a_change_holds_for_another_service_at_the_same_address)
{
	static const struct service other = {.number = SERVICE_TEXT};
	CHANGE({LOOPBACK, 7});
	struct kernel_socket *old = at(LOOPBACK, 7);
	ck_assert_int_eq(PREPARE({LOOPBACK, 7}), 0);
	wanted[0].service = &other;
	ck_assert_int_eq(listening_prepare(&listeners, wanted, 1, &refused), 0);
	ck_assert_int_eq(listening_change(&listeners, BACKLOG), 0);
	ck_assert(old->closed);
	ck_assert_uint_eq(count_sockets(), 1);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("listening");
	TCase *change = fixture_case(suite, "change");
	tcase_add_test(
	    change, all_addresses_of_the_start_are_new_and_none_shares_its_own);
	tcase_add_test(change, what_stays_keeps_its_socket_in_any_order);
	tcase_add_test(change,
	    clients_of_an_address_that_goes_are_accepted_before_it_is_closed);
	tcase_add_test(
	    change, a_prepared_change_that_is_not_made_serves_nobody);
	tcase_add_test(
	    change, a_call_that_fails_in_the_preparation_leaves_all_as_it_was);
	tcase_add_test(
	    change, a_watch_that_fails_in_the_change_leaves_all_as_it_was);
	tcase_add_test(
	    change, the_socket_of_one_address_stays_when_all_are_served);
	tcase_add_test(change, the_socket_of_all_addresses_stays_for_a_moment);
	tcase_add_test(change,
	    the_attribute_for_proxies_comes_and_goes_while_the_socket_stays);
	tcase_add_test(
	    change, what_covers_an_address_says_whether_it_has_proxies);
	tcase_add_test(change, sockets_that_stay_do_not_add_up);
	tcase_add_test(
	    change, an_address_that_overlaps_one_that_stays_is_refused);
	tcase_add_test(change, an_address_that_another_program_has_is_refused);
	tcase_add_test(
	    change, a_port_that_the_system_chose_stays_with_its_entry);
	tcase_add_test(change, of_entries_that_are_the_same_the_first_stay);
	tcase_add_test(
	    change, what_comes_while_nothing_may_be_accepted_waits_as_well);
	tcase_add_test(
	    change, a_change_holds_for_another_service_at_the_same_address);
	return suite;
}

/* SPDX-License-Identifier: ISC */
/* Sockets that listen, and of which a service manager holds a duplicate. */
#include "config.h"

#include "base/sys.h"
#include "unit/runner.h"
#include "unit/server/listener_fixture.h"

#include <netinet/in.h>

#include <errno.h>

/* An own one, one that is held, and one that is so no longer. */
static struct kernel_socket *own, *held, *released;

static struct listener *
of(const struct kernel_socket *socket)
{
	return listening_find(&listeners, &transport_tcp,
	    (const struct sockaddr *)&socket->address);
}

static void
listen_thrice(void)
{
	ck_assert_int_eq(bind_any(AF_INET), 0);
	ck_assert_int_eq(bind_any(AF_INET), 0);
	listen_twice();
	own = socket_of(0);
	held = socket_of(1);
	released = socket_of(2);
	of(held)->hold = LISTENER_HELD;
	of(released)->hold = LISTENER_RELEASED;
}

START_TEST(what_is_held_elsewhere_is_not_made_deaf_when_it_goes)
{
	size_t refused;
	listen_thrice();
	(void)kernel_queue(held, 0);
	ck_assert_int_eq(listening_prepare(&listeners, NULL, 0, &refused), 0);
	ck_assert(listening_ends(of(held)));
	ck_assert_int_eq(listening_change(&listeners, BACKLOG), 0);
	ck_assert(held->closed && !held->ignores_new);
	ck_assert(own->closed && own->ignores_new);
	ck_assert(released->closed && released->ignores_new);
	/* Whoever was in its queue is served. */
	ck_assert_int_eq(naccepted, 1);
}
END_TEST

START_TEST(at_the_end_only_what_was_released_is_made_deaf)
{
	listen_thrice();
	listeners_finish(&listeners);
	ck_assert(held->closed && !held->ignores_new);
	ck_assert(own->closed && !own->ignores_new);
	ck_assert(released->closed && released->ignores_new);
}
END_TEST

START_TEST(a_listener_is_found_by_the_address_of_its_socket)
{
	listen_thrice();
	ck_assert_int_eq(of(own)->watch.fd, own->fd);
	ck_assert_int_eq(of(held)->watch.fd, held->fd);
	struct kernel_socket other = *own;
	((struct sockaddr_in *)&other.address)->sin_port = htons(9);
	ck_assert_ptr_null(of(&other));
}
END_TEST

START_TEST(what_was_taken_over_survives_a_list_that_cannot_be_had)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	    .sin_port = htons(5220),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in other = address;
	other.sin_port = htons(5221);
	int fd = sys_socket(AF_INET);
	ck_assert_int_eq(
	    sys_bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(sys_listen(fd, BACKLOG), 0);
	const struct listen_address list[] = {
	    {.transport = &transport_tcp,
		.service = &service_text,
		.address = (const struct sockaddr *)&other,
		.length = sizeof other},
	    {.transport = &transport_tcp,
		.service = &service_text,
		.address = (const struct sockaddr *)&address,
		.length = sizeof address},
	};
	size_t refused = 9;
	ck_assert_int_eq(listening_adopt_held(&listeners, &list[1], fd), 0);
	kernel_fail(KERNEL_BIND, 1, EADDRNOTAVAIL);
	ck_assert_int_eq(listening_prepare(&listeners, list, 2, &refused), -1);
	ck_assert_uint_eq(refused, 0);
	/* Then the rest of the list, for which nothing need be bound. */
	ck_assert(!kernel_find(fd)->closed);
	kernel_fail(KERNEL_BIND, 1, EADDRINUSE);
	ck_assert_int_eq(
	    listening_prepare(&listeners, &list[1], 1, &refused), 0);
	ck_assert_int_eq(listening_change(&listeners, BACKLOG), 0);
	ck_assert_uint_eq(listening_count(&listeners), 1);
	ck_assert(kernel_find(fd)->is_listening);
	kernel_fail(KERNEL_BIND, 0, 0);
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("held");
	TCase *tcase = fixture_case(suite, "held");
	tcase_add_test(
	    tcase, what_is_held_elsewhere_is_not_made_deaf_when_it_goes);
	tcase_add_test(tcase, at_the_end_only_what_was_released_is_made_deaf);
	tcase_add_test(tcase, a_listener_is_found_by_the_address_of_its_socket);
	tcase_add_test(
	    tcase, what_was_taken_over_survives_a_list_that_cannot_be_had);
	return suite;
}

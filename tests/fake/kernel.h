/* SPDX-License-Identifier: ISC */
/*
 * A kernel for tests, linked instead of src/base/sys.c and the pollers: it
 * defines all of sys.h and poller.h.  Its sockets have bounded buffers, its
 * clock stands still until the test moves it, and the test plays the peers.
 *
 * It is strict, and aborts the program with a sentence at each of these: a call
 * on a closed descriptor, a change of interest that is wrong about the interest
 * before, a close of a descriptor that is still polled, a send of nothing or
 * after the FIN.
 *
 * Threads do not run, unless the hooks of a test run them.
 *
 * Descriptors are reused, the lowest first.  What happened to a socket stays
 * readable in its struct until kernel_halt.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include "base/list.h"
#include "reactor/poller.h"

#include <sys/socket.h>

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most descriptors that can be open at once. */
#define KERNEL_DESCRIPTORS 512

/* The port of the peer of descriptor 0; that of the next one is higher by 1. */
#define KERNEL_PEER_PORT 50000

/* What a socket's send buffer holds unless a test says otherwise. */
#define KERNEL_ROOM ((size_t)1 << 24)

enum kernel_call {
	KERNEL_SOCKET,
	KERNEL_SETSOCKOPT, /* sys_set_user_timeout as well */
	KERNEL_BIND,
	KERNEL_LISTEN,
	KERNEL_ACCEPT,
	KERNEL_RECV,
	KERNEL_PEEK,
	KERNEL_SEND,
	KERNEL_SHUTDOWN,
	KERNEL_ASK, /* sys_unacknowledged */
	KERNEL_SET_RESET,
	KERNEL_SET_PARTIAL,
	KERNEL_CLOSE,
	KERNEL_PIPE,
	KERNEL_THREAD,
	KERNEL_WATCH, /* poller_set */
	KERNEL_WAIT,  /* poller_wait */
	KERNEL_NCALLS
};

struct kernel_socket;

/*
 * What a test may do at each call.  With threads, a hook also decides which of
 * them runs: the calling thread goes on when the hook returns.
 */
struct kernel_hooks {
	/* At the start of each call: 0, or the errno with which it fails. */
	int (*enter)(struct kernel_socket *, enum kernel_call);

	/*
	 * After a socket was accepted, gave bytes or its end, or took bytes,
	 * and before sys_unacknowledged returns.
	 */
	void (*moved)(struct kernel_socket *, enum kernel_call);

	/* Before a wait looks what is ready; must let the time pass. */
	void (*wait)(struct poller *, int timeout_ms);

	/* May reorder the n ready owners; returns how many are reported. */
	int (*arrange)(void **ready, int n);

	/* sys_thread_start and sys_thread_join. */
	int (*start)(pthread_t *, void *(*run)(void *), void *arg);
	void (*join)(pthread_t);
};

/* All bytes ever sent in one direction; those before start have been read. */
struct kernel_stream {
	unsigned char *bytes;
	size_t start, end, size;
};

/* A connection, a listener or an end of a pipe. */
struct kernel_socket {
	struct list link;           /* in the list of all */
	int fd;                     /* -1 before it is accepted */
	struct kernel_stream in;    /* from the peer */
	struct kernel_stream out;   /* to the peer */
	struct kernel_socket *pipe; /* in a writing end: the reading end */

	/* For the test to set. */
	size_t room;      /* the most bytes of out that wait to be read */
	size_t recv_most; /* the most bytes that one recv returns */
	size_t send_most; /* and one send takes */
	bool untrue;      /* the next wait reports it ready */
	bool unnoticed;   /* the next wait does not, even if it is */
	bool peer_shut;   /* the peer has sent FIN */
	bool tight;       /* the peer acknowledges only what it has read */
	/* Its address is 192.0.2.1, with these added to the last numbers. */
	unsigned char network, host;

	/* For the test to read. */
	bool reset_by_peer;
	bool shut;         /* FIN was sent, after all of out */
	bool resets;       /* sys_set_reset was called */
	bool partial;      /* as set by sys_set_partial: a close would reset */
	bool closed;       /* the descriptor is closed */
	bool was_reset;    /* its close was seen by the peer as a reset */
	bool is_listening; /* sys_listen was called */
	bool ignores_new;  /* sys_ignore_new was called */
	size_t recv_asked; /* the size in the last recv */
	int backlog;       /* of a listener */
	size_t calls[KERNEL_NCALLS];
	struct {
		int level, name, value;
	} options[16];
	size_t noptions;
	unsigned user_timeout;
	struct sockaddr_storage address;

	void *peer; /* of the test */

	/* For the kernel. */
	struct list queue;  /* of a listener: connections to be accepted */
	struct list queued; /* in the queue of a listener */
	int accept_error;
	struct poller *poller; /* by which it is polled */
	enum poller_interest wants;
	void *owner;
	struct poller *forgotten; /* must be closed before this one waits */
};

extern struct kernel {
	uint64_t now;
	uint64_t us;        /* of sys_now_us, which advances when it is read */
	size_t descriptors; /* the most that can be open at once */
	bool is_stubborn;   /* it has no user timeout */
	const struct kernel_hooks *hooks;
	int timeout_ms; /* of the last wait, which returns at once */
	unsigned slept_ms;
	size_t calls[KERNEL_NCALLS];
} kernel;

/* Starts anew, without sockets. */
void kernel_boot(void);

/* Frees all sockets; returns how many, and how many pollers, were left open. */
size_t kernel_halt(void);

/* Lets the nth call of the kind from now on fail; 1 is the next. */
void kernel_fail(enum kernel_call, size_t nth, int error);

struct kernel_socket *kernel_find(int fd);

/* True when a wait would find something ready. */
bool kernel_is_ready(const struct poller *);

/* A connection that has been accepted. */
struct kernel_socket *kernel_connect(void);

/*
 * A connection in the queue of a listener.  With an error, accept takes it
 * from the queue and fails.  (Use kernel_fail for an error that leaves the
 * queue as it is.)
 */
struct kernel_socket *kernel_queue(struct kernel_socket *listener, int error);

/* What the peer does. */
void kernel_peer_sends(struct kernel_socket *, const void *, size_t n);
void kernel_peer_reads(struct kernel_socket *, size_t n); /* at most n bytes */
void kernel_peer_resets(struct kernel_socket *);

/* The value to which an option was set, or -1. */
int kernel_option(const struct kernel_socket *, int level, int name);

/* The rest is for the fake's own files. */

/* Aborts the program unless the condition holds. */
void kernel_must(bool holds, const char *what, int fd);

/* Counts a call on a socket, or on NULL; -1 with errno when it is to fail. */
int kernel_enter(struct kernel_socket *, enum kernel_call);

size_t kernel_count_pollers(void);
int kernel_highest(void);
bool kernel_is_open(int fd);
int kernel_give_descriptor(struct kernel_socket *);
void kernel_take_descriptor(struct kernel_socket *);
void kernel_append(struct kernel_stream *, const void *, size_t n);

#endif

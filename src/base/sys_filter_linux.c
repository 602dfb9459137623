/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/sys.h"

#include <sys/socket.h>

#include <linux/filter.h>

/* Where the flags of a TCP segment are, and what the first one has of them. */
enum { FLAGS_AT = 13, SYN = 0x02, ACK = 0x10 };

void
sys_ignore_new(int fd)
{
	/* Of the classic packet filter: 0 bytes of a packet are none of it. */
	static struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FLAGS_AT),
	    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, SYN | ACK),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYN, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, 0),
	    BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	const struct sock_fprog program = {
	    .len = sizeof code / sizeof code[0], .filter = code};
	(void)setsockopt(
	    fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

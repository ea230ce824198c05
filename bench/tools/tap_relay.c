// SPDX-License-Identifier: Apache-2.0
/*
 * Stands for a virtual machine: carries frames between the tap that the host has and eth0, a tap, of the namespace that is
 * the guest, with their virtio headers, so that super-packets and unfinished checksums cross whole.
 *   tap_relay TAP GUEST_NAMESPACE_PATH MAC         in the host's namespace; runs until it is killed
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include "common.h"

#define FRAME_MAX 70000
#define SHARE 64	/* frames of one way before the other has its turn */

static char frame[FRAME_MAX];

static int tap(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int fd = check(open("/dev/net/tun", O_RDWR | O_NONBLOCK), "/dev/net/tun");

	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	check(ioctl(fd, TUNSETIFF, &request), "TUNSETIFF");
	check(ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO_ECN), "TUNSETOFFLOAD");
	return fd;
}

static void set_mac(int fd, const char *text)
{
	struct ifreq request = { .ifr_hwaddr.sa_family = ARPHRD_ETHER };
	unsigned b[6];

	if (sscanf(text, "%x:%x:%x:%x:%x:%x", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5]) != 6)
		exit(2);
	for (int i = 0; i < 6; i++)
		request.ifr_hwaddr.sa_data[i] = b[i];
	check(ioctl(fd, SIOCSIFHWADDR, &request), "SIOCSIFHWADDR");
}

static void carry(int from, int to)
{
	for (int i = 0; i < SHARE; i++) {
		ssize_t n = read(from, frame, sizeof(frame));

		if (n <= 0)
			return;
		/* A device that is down takes nothing, as a cable that is out. */
		if (write(to, frame, n) < 0 && errno != EIO && errno != EAGAIN && errno != EINVAL)
			die("write");
	}
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	int host = tap(argv[1]);
	int namespace = check(open(argv[2], O_RDONLY), argv[2]);

	check(setns(namespace, CLONE_NEWNET), "setns");
	int guest = tap("eth0");
	struct pollfd waiting[] = { { .fd = host, .events = POLLIN }, { .fd = guest, .events = POLLIN } };

	set_mac(guest, argv[3]);
	ready();
	for (;;) {
		check(poll(waiting, 2, -1), "poll");
		carry(host, guest);
		carry(guest, host);
	}
}

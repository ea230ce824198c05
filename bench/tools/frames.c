// SPDX-License-Identifier: Apache-2.0
/*
 * Sends Ethernet frames as they are given, by a device of the namespace that it runs in: no look-up of this machine's
 * depends on where they go.
 *   frames CPU DEVICE ROUNDS RATE FILE      all of them in each round; RATE in frames a second
 * FILE: of each frame 2 bytes of length (big-endian) and its bytes. Prints {"packets": N}.
 */
#define _GNU_SOURCE
#include <linux/if_packet.h>
#include <net/if.h>
#include "common.h"

#define MOST 16384
#define MAX_BYTES 128
#define BURST 32	/* frames between two looks at the clock */

static struct { size_t length; unsigned char bytes[MAX_BYTES]; } frames[MOST];

static int read_frames(FILE *file)
{
	unsigned char length[2];
	int n = 0;

	for (; n < MOST && fread(length, sizeof(length), 1, file) == 1; n++) {
		frames[n].length = length[0] << 8 | length[1];
		if (frames[n].length > MAX_BYTES || fread(frames[n].bytes, frames[n].length, 1, file) != 1)
			exit(2);
	}
	return n;
}

static int open_device(const char *name)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(name) };
	/* Of no protocol: nothing is received. */
	int fd = check(socket(AF_PACKET, SOCK_RAW, 0), "socket");

	check(bind(fd, (const struct sockaddr *)&to, sizeof(to)), name);
	return fd;
}

static void pace(uint64_t due)
{
	struct timespec until = { .tv_sec = due / SECOND, .tv_nsec = due % SECOND };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

int main(int argc, char **argv)
{
	if (argc != 6)
		return 2;
	FILE *file = fopen(argv[5], "r");

	if (!file)
		die(argv[5]);
	int count = read_frames(file), fd = open_device(argv[2]);
	uint64_t all = (uint64_t)count * atoi(argv[3]), rate = atoll(argv[4]), start;

	if (!rate)
		return 2;
	pin(argv[1]);
	prctl(PR_SET_TIMERSLACK, 1);
	start = now_ns();
	for (uint64_t sent = 0; sent < all; sent++) {
		if (sent % BURST == 0)
			pace(start + sent * SECOND / rate);
		while (send(fd, frames[sent % count].bytes, frames[sent % count].length, 0) < 0)
			if (errno != ENOBUFS)
				die("send");
	}
	printf("{\"packets\": %llu}\n", (unsigned long long)all);
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Sends IPv4 packets as they are given, whatever source they name.
 *   raw CPU      reads 2 bytes of length (big-endian) and so many of packet from stdin, until its end; prints {"packets": N}
 * The kernel sets total length and header checksum itself (raw(7)); so fragments and options stay what they are.
 */
#define _GNU_SOURCE
#include "common.h"

#define MAX_BYTES 65535
#define IP_DST 16

static unsigned char packet[MAX_BYTES];

static void send_one(int fd, size_t length)
{
	struct sockaddr_in to = { .sin_family = AF_INET };

	memcpy(&to.sin_addr, packet + IP_DST, sizeof(to.sin_addr));
	while (sendto(fd, packet, length, 0, (const struct sockaddr *)&to, sizeof(to)) < 0)
		if (errno != ENOBUFS)
			die("sendto");
}

int main(int argc, char **argv)
{
	int fd = check(socket(AF_INET, SOCK_RAW, IPPROTO_RAW), "socket");
	unsigned long packets = 0;
	unsigned char length[2];

	if (argc != 2)
		return 2;
	pin(argv[1]);
	while (fread(length, sizeof(length), 1, stdin) == 1) {
		size_t bytes = length[0] << 8 | length[1];

		if (bytes < IP_DST + 4 || fread(packet, bytes, 1, stdin) != 1)
			return 2;
		send_one(fd, bytes);
		packets++;
	}
	printf("{\"packets\": %lu}\n", packets);
	return 0;
}

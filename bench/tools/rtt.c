// SPDX-License-Identifier: Apache-2.0
/*
 * One byte there and back, over UDP, one at a time.
 *   rtt answer CPU ADDRESS PORT              until it is killed
 *   rtt ask CPU ADDRESS PORT SECONDS         prints {"exchanges": N, "lost": N, "median_ns": T, "p99_ns": T}
 */
#define _GNU_SOURCE
#include "common.h"

#define MAX_SAMPLES (4 << 20)
#define PATIENCE_US 200000

static uint32_t samples[MAX_SAMPLES];

static void answer(const struct sockaddr_in *a)
{
	int fd = bound(SOCK_DGRAM, a);
	struct sockaddr_in from;
	char byte;

	ready();
	for (;;) {
		socklen_t size = sizeof(from);

		if (recvfrom(fd, &byte, 1, 0, (struct sockaddr *)&from, &size) == 1)
			sendto(fd, &byte, 1, 0, (struct sockaddr *)&from, size);
	}
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int ask(const struct sockaddr_in *a, uint64_t duration)
{
	int fd = check(socket(AF_INET, SOCK_DGRAM, 0), "socket");
	struct timeval patience = { .tv_usec = PATIENCE_US };
	uint64_t start, before, after, lost = 0;
	size_t n = 0;
	char byte = 0;

	check(connect(fd, (const struct sockaddr *)a, sizeof(*a)), "connect");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	start = after = now_ns();
	while (after - start < duration && n < MAX_SAMPLES) {
		before = now_ns();
		if (send(fd, &byte, 1, 0) == 1 && recv(fd, &byte, 1, 0) == 1)
			samples[n++] = now_ns() - before;
		else
			lost++;
		after = now_ns();
	}
	qsort(samples, n, sizeof(samples[0]), by_size);
	printf("{\"exchanges\": %zu, \"lost\": %llu, \"median_ns\": %u, \"p99_ns\": %u}\n", n,
	       (unsigned long long)lost, n ? samples[n / 2] : 0, n ? samples[n - 1 - n / 100] : 0);
	return n ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc < 5)
		return 2;
	struct sockaddr_in a = address_of(argv[3], argv[4]);

	pin(argv[2]);
	if (!strcmp(argv[1], "answer"))
		answer(&a);
	return argc == 6 ? ask(&a, atof(argv[5]) * SECOND) : 2;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Small datagrams of all pairs of many sources and many targets, each pair once a round, in an order that meets every
 * source and every target all the time.
 *   storm CPU ROUNDS RATE FILE      RATE in datagrams a second, 0: all that go
 * FILE: lines "source NAMESPACE_FILE ADDRESS" (in order of namespaces), then "target ADDRESS".
 * Prints {"packets": N, "ns": T}; SIGTERM ends it earlier.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/resource.h>
#include "common.h"

#define MOST 4096
#define PORT "9"
#define BYTES 18
#define TICK (SECOND / 1000)

static int sources[MOST], source_count;
static struct sockaddr_in targets[MOST];
static int target_count;
static char space[256];
static volatile sig_atomic_t told_to_end;

static void end_soon(int signal)
{
	(void)signal;
	told_to_end = 1;
}

static void enter(const char *name)
{
	if (!strcmp(name, space))
		return;
	int fd = check(open(name, O_RDONLY | O_CLOEXEC), name);

	check(setns(fd, CLONE_NEWNET), "setns");
	close(fd);
	snprintf(space, sizeof(space), "%s", name);
}

static void read_ends(FILE *file)
{
	char name[256], address[64];
	struct rlimit files = { .rlim_cur = 2 * MOST, .rlim_max = 2 * MOST };

	setrlimit(RLIMIT_NOFILE, &files);
	while (source_count < MOST && fscanf(file, " source %255s %63s", name, address) == 2) {
		struct sockaddr_in a = address_of(address, "0");

		enter(name);
		sources[source_count++] = bound(SOCK_DGRAM, &a);
	}
	while (target_count < MOST && fscanf(file, " target %63s", address) == 1)
		targets[target_count++] = address_of(address, PORT);
	if (!source_count || !target_count) {
		fputs("there is no pair\n", stderr);
		exit(2);
	}
}

static void pace(uint64_t start, uint64_t sent, uint64_t rate)
{
	uint64_t due = start + sent * SECOND / rate;

	while (!told_to_end && now_ns() + TICK < due) {
		struct timespec tick = { .tv_nsec = TICK };

		nanosleep(&tick, NULL);
	}
}

static void one(int source, int target)
{
	static const char bytes[BYTES];

	while (sendto(sources[source], bytes, BYTES, MSG_DONTWAIT, (const struct sockaddr *)&targets[target],
		      sizeof(targets[target])) < 0)
		if (errno != ENOBUFS && errno != EAGAIN && errno != EHOSTUNREACH && errno != ECONNREFUSED)
			die("sendto");
}

static uint64_t storm(int rounds, uint64_t rate, uint64_t start)
{
	uint64_t sent = 0;

	for (int round = 0; round < rounds; round++)
		for (int shift = 0; shift < target_count; shift++) {
			for (int i = 0; i < source_count && !told_to_end; i++, sent++) {
				if (rate && sent % 32 == 0)
					pace(start, sent, rate);
				one(i, (i + shift) % target_count);
			}
		}
	return sent;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = end_soon };

	if (argc != 5)
		return 2;
	FILE *file = fopen(argv[4], "r");

	if (!file)
		die(argv[4]);
	sigaction(SIGTERM, &action, NULL);
	read_ends(file);
	pin(argv[1]);
	prctl(PR_SET_TIMERSLACK, 1);
	ready();
	uint64_t start = now_ns();
	uint64_t sent = storm(atoi(argv[2]), atoll(argv[3]), start);

	printf("{\"packets\": %llu, \"ns\": %llu}\n", (unsigned long long)sent,
	       (unsigned long long)(now_ns() - start));
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * One flow of small datagrams on a beat, and its silences.
 *   flow receive ADDRESS PORT SILENCE_MS     until SIGTERM; tells each silence that was longer, once it ended:
 *                                            {"from_ns": T, "ns": T}, T of the monotonic clock, and then {"packets": N}
 *   flow send ADDRESS PORT INTERVAL_US       until SIGTERM; prints {"packets": N}
 */
#define _GNU_SOURCE
#include "common.h"

#define BYTES 64
#define DRAIN_US 200000
#define MS 1000000ULL

static volatile sig_atomic_t told_to_end;

static void end_soon(int signal)
{
	(void)signal;
	told_to_end = 1;
}

/* SIGTERM ends the wait of a system call, and then the program. */
static void end_on_sigterm(void)
{
	struct sigaction action = { .sa_handler = end_soon };

	sigaction(SIGTERM, &action, NULL);
}

static void tell_packets(uint64_t packets)
{
	printf("{\"packets\": %llu}\n", (unsigned long long)packets);
}

static void tell_silence(uint64_t from, uint64_t ns)
{
	printf("{\"from_ns\": %llu, \"ns\": %llu}\n", (unsigned long long)from, (unsigned long long)ns);
	fflush(stdout);
}

static int receive(const struct sockaddr_in *a, uint64_t silence)
{
	int fd = bound(SOCK_DGRAM, a), buffer = 8 << 20;
	struct timeval drain = { .tv_usec = DRAIN_US };
	uint64_t packets = 0, last = 0, now;
	char bytes[BYTES];

	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &drain, sizeof(drain));
	end_on_sigterm();
	ready();
	for (;;) {
		if (recv(fd, bytes, sizeof(bytes), 0) > 0) {
			now = now_ns();
			if (packets++ && now - last > silence)
				tell_silence(last, now - last);
			last = now;
		} else if (told_to_end && errno != EINTR) {
			break;
		}
	}
	tell_packets(packets);
	return 0;
}

/* What is due is sent, late or not: the beat is the clock's. */
static int transmit(const struct sockaddr_in *a, uint64_t interval)
{
	int fd = check(socket(AF_INET, SOCK_DGRAM, 0), "socket");
	uint64_t packets = 0, next = now_ns();
	char bytes[BYTES] = {};

	check(connect(fd, (const struct sockaddr *)a, sizeof(*a)), "connect");
	prctl(PR_SET_TIMERSLACK, 1);
	end_on_sigterm();
	ready();
	while (!told_to_end) {
		struct timespec until = { .tv_sec = next / SECOND, .tv_nsec = next % SECOND };

		if (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL))
			continue;
		/* An ICMP error of a packet before it is no reason not to send this one. */
		while (send(fd, bytes, sizeof(bytes), 0) < 0)
			if (errno != ECONNREFUSED && errno != EHOSTUNREACH && errno != ENOBUFS)
				die("send");
		packets++;
		next += interval;
	}
	tell_packets(packets);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	struct sockaddr_in a = address_of(argv[2], argv[3]);

	if (!strcmp(argv[1], "receive"))
		return receive(&a, atoll(argv[4]) * MS);
	return transmit(&a, atoll(argv[4]) * 1000);
}

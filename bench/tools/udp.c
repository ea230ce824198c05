// SPDX-License-Identifier: Apache-2.0
/*
 * Small UDP datagrams, as many as go or so many a second.
 *   udp receive CPU ADDRESS PORT                          until SIGTERM
 *   udp send CPU ADDRESS PORT BYTES SECONDS RATE          RATE in datagrams a second, 0: all that go
 * Each prints {"packets": N, "ns": T}, T from the first datagram to the last.
 */
#define _GNU_SOURCE
#include "common.h"

#define BATCH 64
#define MAX_BYTES 1472
#define TICK (SECOND / 1000)	/* a paced sender sends what is due every millisecond */
#define DRAIN_US 20000

static struct mmsghdr messages[BATCH];
static struct iovec parts[BATCH];
static char bytes[BATCH][MAX_BYTES];

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

static void prepare(size_t size)
{
	for (int i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){ .iov_base = bytes[i], .iov_len = size };
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
	}
}

static void report(uint64_t packets, uint64_t ns)
{
	printf("{\"packets\": %llu, \"ns\": %llu}\n", (unsigned long long)packets, (unsigned long long)ns);
}

static int receive(const struct sockaddr_in *a)
{
	int fd = bound(SOCK_DGRAM, a), buffer = 8 << 20;
	struct timeval drain = { .tv_usec = DRAIN_US };
	uint64_t packets = 0, first = 0, last = 0;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &drain, sizeof(drain));
	prepare(MAX_BYTES);
	end_on_sigterm();
	ready();
	for (;;) {
		int n = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);

		if (n > 0) {
			last = now_ns();
			first = first ?: last;
			packets += n;
		} else if (told_to_end && errno != EINTR) {
			break;
		}
	}
	report(packets, last - first);
	return 0;
}

/* How many datagrams may go now; sleeps to the next tick where none may. */
static uint64_t due(uint64_t start, uint64_t sent, uint64_t rate)
{
	for (;;) {
		uint64_t elapsed = now_ns() - start, budget = elapsed * rate / SECOND;

		if (budget > sent)
			return budget - sent;
		uint64_t next = start + (elapsed / TICK + 1) * TICK;
		struct timespec until = { .tv_sec = next / SECOND, .tv_nsec = next % SECOND };

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	}
}

static int transmit(const struct sockaddr_in *a, char **argv)
{
	size_t size = atoi(argv[0]);
	uint64_t duration = atof(argv[1]) * SECOND, rate = atoll(argv[2]);
	uint64_t start, sent = 0, ns;
	int fd = check(socket(AF_INET, SOCK_DGRAM, 0), "socket");

	check(connect(fd, (const struct sockaddr *)a, sizeof(*a)), "connect");
	prctl(PR_SET_TIMERSLACK, 1);
	prepare(size < MAX_BYTES ? size : MAX_BYTES);
	start = now_ns();
	do {
		uint64_t want = rate ? due(start, sent, rate) : BATCH;
		int n = sendmmsg(fd, messages, want < BATCH ? want : BATCH, 0);

		if (n > 0)
			sent += n;
		else if (errno != ENOBUFS && errno != ECONNREFUSED && errno != EINTR)
			die("sendmmsg");
		ns = now_ns() - start;
	} while (ns < duration);
	report(sent, ns);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 5)
		return 2;
	struct sockaddr_in a = address_of(argv[3], argv[4]);

	pin(argv[2]);
	if (!strcmp(argv[1], "receive"))
		return receive(&a);
	return argc == 8 ? transmit(&a, argv + 5) : 2;
}

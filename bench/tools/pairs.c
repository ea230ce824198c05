// SPDX-License-Identifier: Apache-2.0
/*
 * Conversations of many pairs of addresses, one after the other: of each pair some datagrams, a millisecond apart, each
 * answered at once.
 *   pairs answer CPU PORT GUEST...                          until it is killed
 *   pairs ask CPU PORT ROUND COUNT GUEST... -- ADDRESS...   prints one line of JSON
 * GUEST is NAMESPACE_PATH=ADDRESS,ADDRESS,... In a round, address n of the guests talks to address (n + ROUND) of the
 * others; COUNT datagrams each. JSON: pairs, sent, lost (not answered), first_lost, and of each pair the round trips of
 * the first and the last datagram (first_us, last_us).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include "common.h"

#define MOST 1024
#define MOST_PACKETS 64
#define SPACING (SECOND / 1000)
#define PATIENCE (SECOND / 50)	/* with the last datagram of a pair */
#define DRAIN (SECOND / 10)

struct note {
	uint32_t magic, pair, number, round;
	char rest[48];
};

#define MAGIC 0x70616972	/* "pair" */

static int sockets[MOST];
static int socket_count;
static uint64_t sent_at[MOST][MOST_PACKETS];
static uint64_t took[MOST][MOST_PACKETS];	/* 0: not answered */

static void open_guest(char *spec, const char *port)
{
	char *addresses = strchr(spec, '='), *rest, *address;

	if (!addresses)
		exit(2);
	*addresses++ = 0;
	int space = check(open(spec, O_RDONLY), spec);

	/* A socket stays in the namespace that it was made in. */
	check(setns(space, CLONE_NEWNET), "setns");
	close(space);
	for (address = strtok_r(addresses, ",", &rest); address; address = strtok_r(NULL, ",", &rest)) {
		struct sockaddr_in a = address_of(address, port);

		if (socket_count == MOST)
			exit(2);
		sockets[socket_count++] = bound(SOCK_DGRAM | SOCK_NONBLOCK, &a);
	}
}

static void answer(void)
{
	struct pollfd waiting[MOST];
	struct sockaddr_in from;
	struct note note;

	for (int i = 0; i < socket_count; i++)
		waiting[i] = (struct pollfd){ .fd = sockets[i], .events = POLLIN };
	ready();
	for (;;) {
		check(poll(waiting, socket_count, -1), "poll");
		for (int i = 0; i < socket_count; i++) {
			socklen_t size = sizeof(from);
			ssize_t n;

			if (!(waiting[i].revents & POLLIN))
				continue;
			while ((n = recvfrom(sockets[i], &note, sizeof(note), 0, (struct sockaddr *)&from, &size)) > 0)
				sendto(sockets[i], &note, n, 0, (struct sockaddr *)&from, size);
		}
	}
}

static void take(int fd)
{
	struct note note;

	while (recv(fd, &note, sizeof(note), 0) == sizeof(note)) {
		if (note.magic != MAGIC || note.pair >= MOST || note.number >= MOST_PACKETS)
			continue;
		took[note.pair][note.number] = now_ns() - sent_at[note.pair][note.number];
	}
}

/* Until then, or until what `answered` points to is not 0. */
static void take_until(int fd, uint64_t end, const uint64_t *answered)
{
	struct pollfd waiting = { .fd = fd, .events = POLLIN };

	for (uint64_t now = now_ns(); now < end && !(answered && *answered); now = now_ns()) {
		struct timespec left = { .tv_nsec = end - now };

		if (ppoll(&waiting, 1, &left, NULL) > 0)
			take(fd);
	}
}

static void talk(uint32_t pair, uint32_t round, int count, const struct sockaddr_in *to)
{
	uint64_t start = now_ns();

	for (int number = 0; number < count; number++) {
		struct note note = { .magic = MAGIC, .pair = pair, .number = number, .round = round };

		sent_at[pair][number] = now_ns();
		sendto(sockets[pair], &note, sizeof(note), 0, (const struct sockaddr *)to, sizeof(*to));
		take_until(sockets[pair], start + (number + 1) * SPACING, NULL);
	}
	take_until(sockets[pair], start + PATIENCE, &took[pair][count - 1]);
}

static void print_times(const char *name, int number)
{
	printf(", \"%s\": [", name);
	for (int i = 0; i < socket_count; i++)
		printf("%s%.1f", i ? ", " : "", took[i][number] / 1000.0);
	printf("]");
}

static void report(int count)
{
	int lost = 0, first_lost = 0;

	for (int i = 0; i < socket_count; i++) {
		first_lost += !took[i][0];
		for (int k = 0; k < count; k++)
			lost += !took[i][k];
	}
	printf("{\"pairs\": %d, \"sent\": %d, \"lost\": %d, \"first_lost\": %d", socket_count, socket_count * count, lost,
	       first_lost);
	print_times("first_us", 0);
	print_times("last_us", count - 1);
	puts("}");
}

static void ask_all(char **argv, int round, int count)
{
	static struct sockaddr_in to[MOST];
	const char *port = argv[0];
	int n = 0;

	for (argv += 3; *argv && strcmp(*argv, "--"); argv++)
		open_guest(*argv, port);
	for (argv += *argv ? 1 : 0; *argv && n < MOST; argv++)
		to[n++] = address_of(*argv, port);
	if (!n || count < 1 || count > MOST_PACKETS)
		exit(2);
	prctl(PR_SET_TIMERSLACK, 1);
	for (int i = 0; i < socket_count; i++)
		talk(i, round, count, &to[(i + round) % n]);
	take_until(sockets[socket_count - 1], now_ns() + DRAIN, NULL);
	for (int i = 0; i < socket_count; i++)
		take(sockets[i]);
	report(count);
}

int main(int argc, char **argv)
{
	if (argc < 5)
		return 2;
	pin(argv[2]);
	if (!strcmp(argv[1], "answer")) {
		for (int i = 4; i < argc; i++)
			open_guest(argv[i], argv[3]);
		answer();
	}
	ask_all(argv + 3, atoi(argv[4]), atoi(argv[5]));
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * New TCP connections, as many as go: each is opened, accepted, ended by the server, and counted by the client.
 *   connect accept CPU ADDRESS PORT              until it is killed
 *   connect open CPU ADDRESS PORT SECONDS        prints {"connections": N, "failed": N, "ns": T}
 */
#define _GNU_SOURCE
#include <sys/epoll.h>
#include "common.h"

#define BACKLOG 1024
#define IN_FLIGHT 64

static void accept_all(const struct sockaddr_in *a)
{
	int fd = bound(SOCK_STREAM, a);

	check(listen(fd, BACKLOG), "listen");
	ready();
	for (;;) {
		int connection = accept(fd, NULL, NULL);

		if (connection >= 0)
			close(connection);
	}
}

/* A connection that is on its way; it is reset at its end, so that no port is held for a minute. */
static void open_one(int waiting, const struct sockaddr_in *a)
{
	struct linger reset = { .l_onoff = 1 };
	int fd = check(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), "socket");
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP, .data.fd = fd };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (connect(fd, (const struct sockaddr *)a, sizeof(*a)) && errno != EINPROGRESS)
		die("connect");
	check(epoll_ctl(waiting, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

static int open_many(const struct sockaddr_in *a, uint64_t duration)
{
	int waiting = check(epoll_create1(0), "epoll_create1");
	struct epoll_event events[IN_FLIGHT];
	uint64_t start = now_ns(), ns, connections = 0, failed = 0;

	for (int i = 0; i < IN_FLIGHT; i++)
		open_one(waiting, a);
	do {
		int n = check(epoll_wait(waiting, events, IN_FLIGHT, 100), "epoll_wait");

		for (int i = 0; i < n; i++) {
			/* The end of the stream: accepted, and ended by the server. */
			if (events[i].events & EPOLLERR)
				failed++;
			else
				connections++;
			close(events[i].data.fd);
			open_one(waiting, a);
		}
		ns = now_ns() - start;
	} while (ns < duration);
	printf("{\"connections\": %llu, \"failed\": %llu, \"ns\": %llu}\n", (unsigned long long)connections,
	       (unsigned long long)failed, (unsigned long long)ns);
	return connections ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc < 5)
		return 2;
	struct sockaddr_in a = address_of(argv[3], argv[4]);

	pin(argv[2]);
	if (!strcmp(argv[1], "accept"))
		accept_all(&a);
	return argc == 6 ? open_many(&a, atof(argv[5]) * SECOND) : 2;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What the benchmark's tools share. Each prints one line of JSON, and dies with a sentence. */
#pragma once
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000ULL

static inline void die(const char *what)
{
	perror(what);
	exit(1);
}

static inline int check(int rc, const char *what)
{
	if (rc < 0)
		die(what);
	return rc;
}

static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * SECOND + t.tv_nsec;
}

static inline struct sockaddr_in address_of(const char *ip, const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };

	if (inet_pton(AF_INET, ip, &a.sin_addr) != 1) {
		fprintf(stderr, "%s is no IPv4 address\n", ip);
		exit(1);
	}
	return a;
}

/* The scheduler's choice of processor would be most of the difference between two runs. */
static inline void pin(const char *cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(atoi(cpu), &set);
	check(sched_setaffinity(0, sizeof(set), &set), "sched_setaffinity");
}

static inline int bound(int type, const struct sockaddr_in *a)
{
	int fd = check(socket(AF_INET, type, 0), "socket"), yes = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	check(bind(fd, (const struct sockaddr *)a, sizeof(*a)), "bind");
	return fd;
}

static inline void ready(void)
{
	puts("ready");
	fflush(stdout);
}

/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* The timer that removes what is not used any more, agent dead or not. Runs only while there are learned entries. */
#pragma once
#include "../lib/types.h"

struct sweeper {
	struct bpf_timer timer;
	oh_ns swept;		/* last; 0: the timer does not run */
	__u32 age;		/* seconds, of the program whose code the timer runs */
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sweeper);
} sweeper_v2 SEC(".maps");

/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* What came of questions and answers, counted; and which way packets went. Never read by a program. */
#pragma once
#include "../lib/types.h"
#include "endpoints.h"

enum oh_learn {
	OH_LEARN_NONE = 0,
	/* sent */
	OH_LEARN_ASKED,		/* a hub, on a miss */
	OH_LEARN_REFRESHED,	/* the entry's host, straight */
	OH_LEARN_PROBED,
	OH_LEARN_OVER_BUDGET,	/* not asked: the VPC's or the port's budget is spent */
	OH_LEARN_NOT_CUT,	/* not asked: the kernel would not make a message of the packet */
	/* questions received */
	OH_LEARN_TAUGHT,
	OH_LEARN_TOLD_ABSENT,
	OH_LEARN_TOLD_UNKNOWN,
	OH_LEARN_PASSED_ON,	/* to the host that has it, or to another hub */
	OH_LEARN_NOT_KNOWN,	/* not answered: a hub whose table is not whole */
	/* answers accepted */
	OH_LEARN_LEARNED,	/* a new entry */
	OH_LEARN_RENEWED,
	OH_LEARN_MOVED,		/* to another host or port */
	OH_LEARN_REMOVED,	/* absent */
	OH_LEARN_UNKNOWN,
	OH_LEARN_ALIVE,		/* a probe's */
	OH_LEARN_FULL,		/* right, but no room */
	/* rejected */
	OH_LEARN_MALFORMED,
	OH_LEARN_STRANGER,	/* the outer source is no known host */
	OH_LEARN_NO_KEY,	/* of a VPC that is not served here */
	OH_LEARN_KEY_VERSION,
	OH_LEARN_TAG,
	OH_LEARN_ASKER,		/* a question in another's name, or of a host that is not known */
	OH_LEARN_HOPS,
	OH_LEARN_NOT_MINE,	/* an answer to another host's question */
	OH_LEARN_TELLER,	/* an answer in another's name */
	OH_LEARN_UNSOLICITED,
	OH_LEARN_NONCE,
	OH_LEARN_GENERATION,
	OH_LEARN_FLOOR,
	OH_LEARN_BARRED,
	OH_LEARN_NOT_ITS_ENTRY,	/* absent, from another host or about another claim than the entry's */
	OH_LEARN_NOT_ITS_HUB,	/* unknown, from another than the hub asked */
	OH_LEARN_MAX,
};

struct learning_counter {
	__u64 packets;
};

/* By enum oh_learn. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, OH_LEARN_MAX);
	__type(key, __u32);
	__type(value, struct learning_counter);
} learning_v1 SEC(".maps");

/* Routed packets of a port to other hosts. */
struct way_counters {
	__u64 direct;
	__u64 by_hub;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, OH_MAX_SLOTS);
	__type(key, oh_slot);
	__type(value, struct way_counters);
} ways_v1 SEC(".maps");

OH_INLINE void count_learning(__u32 what)
{
	struct learning_counter *c = bpf_map_lookup_elem(&learning_v1, &what);

	if (c)
		c->packets++;
}

OH_INLINE void count_way(oh_slot slot, __u8 relayed)
{
	struct way_counters *c = bpf_map_lookup_elem(&ways_v1, &slot);

	if (!c)
		return;
	if (relayed)
		c->by_hub++;
	else
		c->direct++;
}

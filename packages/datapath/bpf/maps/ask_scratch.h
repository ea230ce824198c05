/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Where a question is put together: too large for the stack. Never pinned. */
#pragma once
#include "../lib/types.h"
#include "destinations.h"
#include "questions.h"

/* What is to be asked, and beside which packet. */
struct wish {
	struct destination_key about;	/* under whose VPC's key, and which address */
	__u32 kind;		/* enum oh_ask */
	oh_host to;
	oh_slot slot;
	__u32 asked;		/* OH_ASKED_*, for the clone's mark */
	__u8 quote[OH_QUOTE];
};

enum oh_ask {
	OH_ASK_NONE = 0,
	OH_ASK_HUB,	/* a hub, on a miss */
	OH_ASK_REFRESH,	/* the host of a learned entry, straight */
	OH_ASK_PROBE,	/* a host: are you there? */
};

struct ask_scratch {
	struct wish wish;
	__u64 message[11];	/* struct oh_message_body */
	struct question question;
	oh_secret secret;	/* of nonces; made with the first */
	__u64 nonces;		/* made so far */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ask_scratch);
} ask_scratch_v1 SEC(".maps");

OH_INLINE struct ask_scratch *ask_scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&ask_scratch_v1, &zero);
}

/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Where a message of another host is looked at: too large for the stack. Never pinned. */
#pragma once
#include "../lib/types.h"
#include "learned.h"
#include "questions.h"

struct message_scratch {
	__u64 message[11];	/* struct oh_message_body */
	__u32 envelope[7];	/* struct oh_envelope */
	oh_host host;		/* whom the message goes to; 0: nobody */
	__s32 verdict;		/* of tc, where it goes on */
	__u32 pad;
	struct question open;	/* the question that it answers */
	struct learned entry;	/* that it makes */
	__u64 told[22];		/* struct told: the ICMP error that it becomes */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct message_scratch);
} message_scratch_v1 SEC(".maps");

OH_INLINE struct message_scratch *message_scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&message_scratch_v1, &zero);
}

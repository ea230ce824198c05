/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Whether other hosts can be reached, by number. Written by the programs only, so that it works with the agent dead. */
#pragma once
#include "../lib/types.h"
#include "hosts.h"

struct peer {
	oh_ns heard;		/* anything from it, straight; clocks are the kernel's monotonic one */
	oh_ns answered;		/* a question asked straight */
	oh_ns probed;		/* last */
	oh_ns first;		/* of the probes without an answer */
	oh_ns silent_since;	/* last time it fell silent */
	oh_ns held_until;	/* a host that was silent is not used before */
	__u64 nonce;		/* of the last probes */
	__u32 tries;		/* probes without any sign of it since */
	__u32 open;		/* answers to that nonce that may still come, at most OH_PEER_TRIES */
	__u32 falls;		/* times it fell silent lately: each doubles the hold */
	__u32 silent;		/* 1: by the hub */
	oh_vni vpc;		/* under whose key it answered last */
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4096);
	__type(key, oh_host);
	__type(value, struct peer);
} peers_v2 SEC(".maps");

OH_INLINE struct peer *peer_lookup(oh_host number)
{
	return bpf_map_lookup_elem(&peers_v2, &number);
}

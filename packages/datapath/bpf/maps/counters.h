/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Counters; never read by a program, so they cannot steer a packet. */
#pragma once
#include "../lib/types.h"
#include "../pipeline.h"
#include "endpoints.h"

struct port_counters {
	__u64 tx_packets;	/* from the guest, accepted */
	__u64 tx_bytes;
	__u64 rx_packets;	/* to the guest */
	__u64 rx_bytes;
	__u64 class_packets[OH_CLASS_MAX];	/* from the guest, by class, accepted or not */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, OH_MAX_SLOTS);
	__type(key, oh_slot);
	__type(value, struct port_counters);
} port_counters_v1 SEC(".maps");

#define OH_NO_SLOT 0xffffffff	/* a drop that no port of this host stands for */

struct drop_key {
	oh_slot slot;
	__u32 reason;		/* enum oh_drop */
};

struct drop_counter {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct drop_key);
	__type(value, struct drop_counter);
} drops_v1 SEC(".maps");

OH_INLINE struct port_counters *port_counters_of(oh_slot slot)
{
	return bpf_map_lookup_elem(&port_counters_v1, &slot);
}

OH_INLINE void count_drop(oh_slot slot, __u32 reason, __u32 bytes)
{
	struct drop_key key = { .slot = slot, .reason = reason };
	struct drop_counter first = { .packets = 1, .bytes = bytes };
	struct drop_counter *c = bpf_map_lookup_elem(&drops_v1, &key);

	if (c) {
		c->packets++;
		c->bytes += bytes;
		return;
	}
	/* Nobody may interrupt between look-up and update on one processor: softirqs do not nest. */
	bpf_map_update_elem(&drops_v1, &key, &first, BPF_NOEXIST);
}

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

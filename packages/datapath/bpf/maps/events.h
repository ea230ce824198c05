/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Drops as they happen, at most a few a second for each port; the counters have them all. */
#pragma once
#include "../lib/types.h"
#include "endpoints.h"

struct drop_event {
	oh_ns time;
	oh_uuid port;		/* zero: no port of this host stands for it */
	oh_vni vpc;
	oh_vni vni;		/* of the network, or as on the wire */
	oh_ifindex ifindex;
	__u32 length;		/* bytes of the frame */
	oh_addr src;		/* zero where it has none */
	oh_addr dst;
	oh_mac src_mac;
	oh_mac dst_mac;
	oh_l4port sport;
	oh_l4port dport;
	__u16 ethertype;	/* host order */
	__u8 protocol;		/* IP protocol, 0: none */
	__u8 reason;		/* enum oh_drop */
	__u8 class;		/* enum oh_class */
	__u8 stage;		/* enum oh_stage */
	__u8 program;		/* enum oh_program */
	__u8 pad[1];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 262144);
} events_v1 SEC(".maps");

#define OH_EVENTS_A_SECOND 10

struct event_budget {
	__u64 second;
	__u64 spent;
};

/* Index: slot, or OH_MAX_SLOTS for no port. Two processors may each let one more through; no more is needed. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, OH_MAX_SLOTS + 1);
	__type(key, __u32);
	__type(value, struct event_budget);
} event_budgets_v1 SEC(".maps");

/* 1 where an event about the slot may be told now. */
OH_INLINE int event_budget_admits(oh_slot slot, oh_ns now)
{
	__u32 index = slot < OH_MAX_SLOTS ? slot : OH_MAX_SLOTS;
	struct event_budget *budget = bpf_map_lookup_elem(&event_budgets_v1, &index);
	__u64 second = now / 1000000000ULL;

	if (!budget)
		return 0;
	__u64 seen = budget->second;
	if (seen != second && __sync_val_compare_and_swap(&budget->second, seen, second) == seen)
		budget->spent = 0;
	return __sync_fetch_and_add(&budget->spent, 1) < OH_EVENTS_A_SECOND;
}

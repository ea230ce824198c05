/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Drops as they happen, at most a few a second for each port; the counters have them all. */
#pragma once
#include "../lib/types.h"

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

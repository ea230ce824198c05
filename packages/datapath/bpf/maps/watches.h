/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* What watching programs are asked to tell of, and what they tell. Never pinned; used only where cfg_watch is set. */
#pragma once
#include "../lib/types.h"
#include "../pipeline.h"

#define OH_MAX_WATCHES 8
#define OH_WATCH_BYTES 2048	/* of a packet that are kept, at most */

/* All of it must hold. 0, and OH_NO_SLOT for the slot, stand for any. */
struct watch {
	oh_ns until;		/* of the kernel's clock; 0: off. A reader that died costs nothing after it */
	oh_vni vpc;
	oh_slot slot;		/* from or to this port */
	oh_ip4 src;
	oh_ip4 dst;
	oh_ip4 host;		/* source or destination; of ARP, sender or target */
	oh_l4port port;		/* source or destination */
	__u16 ethertype;	/* host order */
	__u16 id;		/* of IPv4, host order */
	__u8 protocol;
	__u8 pairs;		/* 1: counts pairs instead of telling of packets */
	__u32 snap;		/* bytes to keep of each packet */
};

/* Index: number of the watch. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, OH_MAX_WATCHES);
	__type(key, __u32);
	__type(value, struct watch);
} watches_v1 SEC(".maps");

enum oh_way {
	OH_WAY_NONE = 0,
	OH_WAY_CAME,		/* as a guest sent it */
	OH_WAY_WENT,		/* as it was when it had been decided upon */
};

/* A record of the ring; `captured` bytes of the packet follow. */
struct watched {
	oh_ns time;
	oh_vni vpc;
	oh_slot from;		/* OH_NO_SLOT: from the underlay */
	oh_slot to;		/* OH_NO_SLOT: to no port of this host */
	oh_host host;		/* it was sent to; 0: to none */
	oh_ifindex ifindex;	/* device it came in by */
	__u32 length;		/* bytes of the packet */
	__u32 captured;
	oh_ip4 src;
	oh_ip4 dst;
	oh_l4port sport;
	oh_l4port dport;
	__u16 ethertype;	/* host order */
	__u16 id;		/* of IPv4, host order */
	__u8 protocol;
	__u8 watch;		/* whose it is */
	__u8 way;		/* enum oh_way */
	__u8 program;		/* enum oh_program */
	__u8 class;		/* enum oh_class */
	__u8 stage;		/* enum oh_stage */
	__u8 action;		/* enum oh_action */
	__u8 reason;		/* enum oh_drop */
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4194304);
} watched_v1 SEC(".maps");

/* Where a record is put together: too large for the stack. */
struct watch_scratch {
	struct watched head;
	__u8 data[OH_WATCH_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct watch_scratch);
} watch_scratch_v1 SEC(".maps");

/* Records that found no room in the ring; pairs that found none in the map. Index: number of the watch. */
struct watch_lost {
	__u64 packets;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, OH_MAX_WATCHES);
	__type(key, __u32);
	__type(value, struct watch_lost);
} watch_lost_v1 SEC(".maps");

struct pair_key {
	oh_vni vpc;
	oh_ip4 src;
	oh_ip4 dst;
};

struct pair_count {
	__u64 packets;
	__u64 bytes;
};

/* What guests of this host sent, counted where it was sent. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 8192);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct pair_key);
	__type(value, struct pair_count);
} pairs_v1 SEC(".maps");

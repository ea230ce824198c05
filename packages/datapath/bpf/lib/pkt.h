/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* The packet on its way through the stages. Headers are read once, into `head`, and written by helpers. */
#pragma once
#include <linux/pkt_cls.h>
#include "types.h"
#include "eth.h"
#include "ip.h"
#include "vxlan.h"
#include "../pipeline.h"
#include "../drop_reasons.h"
#include "../maps/endpoints.h"
#include "../maps/hosts.h"
#include "../maps/learned.h"
#include "../maps/vnis.h"
#include "../maps/decision.h"

/* A return value of a stage: 0 to go on, an oh_action that ends the packet, or -OH_DROP_*. */

/* The first 50 bytes: ARP whole, or IPv4 without options and the start of what it carries. */
struct oh_head {
	__u16 pad;		/* aligns what follows Ethernet */
	struct oh_eth eth;
	union {
		struct oh_arp arp;
		struct {
			struct oh_ip ip;
			union oh_l4 l4;
		};
	};
};

#define OH_HEAD_LEN (OH_ETH_LEN + OH_IP_LEN + sizeof(union oh_l4))

/* Where it goes; set by switch and route, used from locate on. */
struct oh_target {
	__u32 where;			/* slot or host, by place */
	oh_vni vni;			/* on the wire */
	__u8 place;			/* enum oh_place */
	__u8 routed;			/* 1: with the MACs below */
	__u8 hops;			/* taken off the TTL */
	__u8 relayed;			/* the last byte of the VXLAN header: OH_RELAYED and a hop count, or 0 */
	oh_mac src;			/* of the router; for a port here, by locate */
	oh_mac dst;
	const struct endpoint *endpoint;	/* one of these two, by locate */
	const struct host *host;
};

struct oh_pkt {
	struct __sk_buff *skb;
	const struct endpoint *from;	/* the sending port; NULL on an uplink */
	oh_slot slot;			/* the port that drops are counted for */
	__u32 off;			/* of the guest's frame within the packet */
	__u32 len;			/* of the guest's frame */
	oh_vni vpc;
	oh_vni vni;			/* of the network, or as on the wire */
	struct oh_head head;
	__u16 ethertype;		/* host order; 0: too short or tagged */
	__u16 l4_off;			/* from the frame's start */
	__u8 has_l4;			/* 1: first fragment or whole, so `head.l4` is set */
	__u8 is_fragment;
	__u8 program;			/* enum oh_program */
	__u8 class;			/* enum oh_class */
	__u8 stage;			/* enum oh_stage */
	__u8 reason;			/* enum oh_drop of a packet that was answered with an error, here or by a hub */
	__u8 error_type;		/* ICMP error for the sender; 0: none */
	__u8 error_code;
	__u8 stripped;			/* 1: the tunnel's headers are off, the Ethernet header is to be written again */
	int verdict;			/* of tc, where an action ended the packet */
	struct tunnel sender;		/* on an uplink: the host it came from */
	const struct vni_entry *segment;	/* on an uplink: what its VNI means */
	struct oh_outer outer;		/* on an uplink */
	__u8 relayed;			/* on an uplink: the VXLAN header's last byte, where the VNI is a VPC's */
	__u8 asked;			/* OH_ASKED_*: messages that went beside this packet already */
	__u8 question;			/* enum oh_ask that is due */
	__u8 doomed;			/* 1: no hub can be reached; dropped once questions are asked */
	oh_host ask;			/* whom to ask */
	oh_host probe;			/* whom to probe; 0: nobody */
	oh_host silent;			/* the receiver's host, which does not answer; 0: none such */
	struct learned *used;		/* the entry that it goes by */
	oh_addr target;			/* routed: the address whose host is looked for, or that of the route's next hop */
	struct oh_target to;
};

/* What a redirect helper answered, as the end of the packet. */
OH_INLINE int redirected(struct oh_pkt *p, int verdict, int action)
{
	p->verdict = verdict;
	return verdict == TC_ACT_REDIRECT ? action : -OH_DROP_INTERNAL;
}

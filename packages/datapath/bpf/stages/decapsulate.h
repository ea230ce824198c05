/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
#pragma once
#include "../lib/csum.h"
#include "../lib/pkt.h"
#include "../lib/overlay_mark.h"

#define OH_ECN_MASK 3
#define OH_ECN_CE 3

/* RFC 6040 section 4.2: congestion that the underlay marked is told to the guest, or the packet is lost instead. */
OH_INLINE int combine_ecn(struct oh_pkt *p)
{
	struct oh_ip *ip = &p->head.ip;
	__u8 marked = ip->tos | OH_ECN_CE;

	if ((p->outer.ip.tos & OH_ECN_MASK) != OH_ECN_CE || ip->tos == marked)
		return 0;
	if (!(ip->tos & OH_ECN_MASK))
		return -OH_DROP_OVERLAY_HEADER;
	ip->csum = csum_replace(ip->csum, bpf_htons(ip->tos), bpf_htons(marked));
	ip->tos = marked;
	return 0;
}

/*
 * Super-packets that must not look like a tunnel's to who gets them: a tap would get them in small pieces, and a guest's
 * kernel, taking UDP apart for a socket, would look for the tunnel's headers. TCP of a veth is not taken apart again.
 */
OH_INLINE int needs_kernel(const struct oh_pkt *p)
{
	return p->skb->gso_size && p->to.endpoint &&
	       (p->to.endpoint->device == OH_DEVICE_TAP || p->head.ip.protocol != OH_PROTO_TCP);
}

/*
 * Through the kernel's VXLAN device, which ends its being a tunnel's. The device drops what has reserved bits or a wrong
 * checksum, so both are cleared.
 */
OH_INLINE int leave_to_overlay(struct oh_pkt *p)
{
	struct oh_outer o = p->outer;

	o.udp.csum = 0;
	o.vxlan.flags = bpf_htonl(OH_VXLAN_VNI_VALID);
	o.vxlan.vni = bpf_htonl(p->vni << 8);
	if (bpf_skb_store_bytes(p->skb, OH_ETH_LEN, &o, sizeof(o), BPF_F_RECOMPUTE_CSUM))
		return -OH_DROP_INTERNAL;
	p->skb->mark = p->relayed ? OH_MARK_RELAYED : OH_MARK_OVERLAY;
	p->verdict = TC_ACT_OK;
	return OH_ACTION_STACK;
}

/* Takes the tunnel's headers off; rewrite puts the guest's Ethernet header where the outer one is left. */
OH_INLINE int decapsulate(struct oh_pkt *p)
{
	int rc;

	p->stage = OH_STAGE_REWRITE;
	if (needs_kernel(p))
		return leave_to_overlay(p);
	rc = combine_ecn(p);
	if (rc)
		return rc;
	/* Bytes after the outer packet are none of the guest's. */
	if (p->skb->len > p->off + p->len && bpf_skb_change_tail(p->skb, p->off + p->len, 0))
		return -OH_DROP_INTERNAL;
	if (bpf_skb_adjust_room(p->skb, -OH_VXLAN_OVERHEAD, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO))
		return -OH_DROP_INTERNAL;
	p->off = 0;
	p->stripped = 1;
	return 0;
}

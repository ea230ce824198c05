/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
#pragma once
#include "../lib/csum.h"
#include "../lib/hash.h"
#include "../lib/pkt.h"
#include "../maps/config.h"

#define OH_AF_INET 2
#define OH_PACKET_HOST 0
#define OH_EALREADY 114
#define OH_ENCAP_FLAGS                                                                             \
	(BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L4_UDP |   \
	 BPF_F_ADJ_ROOM_ENCAP_L2(OH_ETH_LEN) | BPF_F_ADJ_ROOM_ENCAP_L2_ETH)

/* All but the outer Ethernet header, which the kernel's neighbour code writes. */
struct oh_room {
	struct oh_outer outer;
	struct oh_eth inner;
};

/* To the underlay; the kernel keeps the neighbour alive and fills in its MAC. */
OH_INLINE int to_underlay(struct oh_pkt *p, const struct host *host, int action)
{
	struct bpf_redir_neigh hop = { .nh_family = OH_AF_INET, .ipv4_nh = host->next_hop };

	if (!host->next_hop)
		return redirected(p, bpf_redirect_neigh(host->uplink, 0, 0, 0), action);
	return redirected(p, bpf_redirect_neigh(host->uplink, &hop, sizeof(hop), 0), action);
}

/* RFC 7348 section 5: from the inner flow, so that the underlay spreads flows and keeps each in order. */
OH_INLINE oh_l4port source_port(const struct oh_pkt *p)
{
	const struct oh_ip *ip = &p->head.ip;
	__u32 ports = 0;

	if (p->has_l4 && !p->is_fragment && ip->protocol != OH_PROTO_ICMP)
		ports = (__u32)p->head.l4.sport << 16 | p->head.l4.dport;
	return bpf_htons(OH_FIRST_SOURCE_PORT | (hash_flow(ip->src, ip->dst, ports, ip->protocol) & 0x3fff));
}

/* DF is set and the id is 0: an atomic datagram (RFC 6864). TOS is copied, ECN included (RFC 6040). */
OH_INLINE void outer_headers(const struct oh_pkt *p, struct oh_outer *o, __u32 frame_len)
{
	o->ip.version_ihl = 0x45;
	o->ip.tos = p->ethertype == OH_ETHERTYPE_IPV4 ? p->head.ip.tos : 0;
	o->ip.total_len = bpf_htons(sizeof(*o) + frame_len);
	o->ip.fragment = bpf_htons(OH_IP_DF);
	o->ip.ttl = OH_IP_TTL;
	o->ip.protocol = OH_PROTO_UDP;
	o->ip.src = cfg_tunnel_address;
	o->ip.dst = p->to.host->tunnel_address;
	o->ip.csum = csum_of_20(&o->ip);
	o->udp.sport = source_port(p);
	o->udp.dport = bpf_htons(OH_VXLAN_PORT);
	o->udp.len = bpf_htons(sizeof(o->udp) + sizeof(o->vxlan) + frame_len);
	o->vxlan.flags = bpf_htonl(OH_VXLAN_VNI_VALID);
	o->vxlan.vni = bpf_htonl(p->to.vni << 8 | p->to.relayed);
}

/*
 * Room for the tunnel's headers, and word to the kernel that a super-packet is now a tunnel's. A packet that came out of
 * a tunnel and is forwarded by a guest still carries that word, and the kernel refuses it twice; the places that go with
 * it are right again once the room is made. Of a guest's own tunnel they are others, so its super-packets cannot go.
 */
OH_INLINE int make_room(struct oh_pkt *p)
{
	int rc = bpf_skb_adjust_room(p->skb, OH_VXLAN_OVERHEAD, BPF_ADJ_ROOM_MAC, OH_ENCAP_FLAGS);

	if (rc != -OH_EALREADY || (p->skb->gso_size && p->head.ip.protocol != OH_PROTO_TCP))
		return rc;
	return bpf_skb_adjust_room(p->skb, OH_VXLAN_OVERHEAD, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO);
}

OH_INLINE int to_host(struct oh_pkt *p)
{
	struct oh_room room = {};

	outer_headers(p, &room.outer, p->skb->len);
	room.inner = p->head.eth;
	if (make_room(p) ||
	    bpf_skb_store_bytes(p->skb, OH_ETH_LEN, &room, OH_VXLAN_OVERHEAD, 0))
		return -OH_DROP_INTERNAL;
	return to_underlay(p, p->to.host, OH_ACTION_HOST);
}

OH_INLINE int to_guest(struct oh_pkt *p)
{
	const struct endpoint *e = p->to.endpoint;

	/* The host side of a link has another MAC than the guest, so the kernel took the frame for someone else's. */
	if (p->skb->pkt_type != OH_PACKET_HOST)
		bpf_skb_change_type(p->skb, OH_PACKET_HOST);
	if (e->device == OH_DEVICE_VETH)
		return redirected(p, bpf_redirect_peer(e->ifindex, 0), OH_ACTION_GUEST);
	return redirected(p, bpf_redirect(e->ifindex, 0), OH_ACTION_GUEST);
}

/* Of what came out of a tunnel: what goes on to another host went with relay. */
OH_INLINE int deliver_here(struct oh_pkt *p)
{
	p->stage = OH_STAGE_DELIVER;
	return p->to.endpoint ? to_guest(p) : -OH_DROP_INTERNAL;
}

OH_INLINE int deliver(struct oh_pkt *p)
{
	if (!p->to.host)
		return deliver_here(p);
	p->stage = OH_STAGE_DELIVER;
	return to_host(p);
}

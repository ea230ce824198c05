/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Of a packet out of a tunnel: the host that sent it, and what its VNI means. */
#pragma once
#include "../lib/pkt.h"
#include "../maps/hosts.h"
#include "../maps/vnis.h"
#include "../maps/vpc_rules.h"

/* Whether it went by a hub, and its hops. Only of routed packets, where the VPC learns; else the bits are ignored. */
OH_INLINE __u8 relayed_of(const struct oh_pkt *p)
{
	__u8 last = bpf_ntohl(p->outer.vxlan.vni);

	if (!(last & OH_RELAYED) || p->segment->kind != OH_VNI_VPC || !vpc_rules_lookup(p->vpc))
		return 0;
	return last;
}

OH_INLINE oh_vni vni_of(const struct oh_pkt *p)
{
	return bpf_ntohl(p->outer.vxlan.vni) >> 8;
}

OH_INLINE int find_sender(struct oh_pkt *p)
{
	const struct tunnel *sender = tunnel_lookup(p->outer.ip.src);

	if (!sender)
		return -OH_DROP_UNKNOWN_HOST;
	p->sender = *sender;
	p->vni = vni_of(p);
	p->segment = vni_lookup(p->vni);
	if (!p->segment)
		return -OH_DROP_UNKNOWN_VNI;
	p->vpc = p->segment->vpc;
	p->relayed = relayed_of(p);
	if (p->sender.kind == OH_HOST_PEER && p->segment->kind != OH_VNI_NETWORK)
		return -OH_DROP_PEER_VNI;
	return 0;
}

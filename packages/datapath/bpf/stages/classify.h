/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
#pragma once
#include "../lib/pkt.h"

OH_INLINE int is_dhcp(const struct oh_pkt *p)
{
	return p->has_l4 && p->head.ip.protocol == OH_PROTO_UDP &&
	       (p->head.l4.dport == bpf_htons(OH_PORT_DHCP_SERVER) ||
		p->head.l4.dport == bpf_htons(OH_PORT_DHCP_CLIENT));
}

OH_INLINE __u8 class_of(const struct oh_pkt *p)
{
	if (p->ethertype == OH_ETHERTYPE_ARP)
		return OH_CLASS_ARP;
	if (is_dhcp(p))
		return OH_CLASS_DHCP;
	if (p->head.ip.dst == bpf_htonl(OH_METADATA_ADDRESS))
		return OH_CLASS_METADATA;
	if (mac_is_group(&p->head.eth.dst))
		return OH_CLASS_BROADCAST;
	return mac_equal(&p->head.eth.dst, &p->from->gateway_mac) ? OH_CLASS_LAYER3 : OH_CLASS_LAYER2;
}

/* What kind of packet it is; only untagged IPv4 and ARP are carried. */
OH_INLINE int classify(struct oh_pkt *p)
{
	p->stage = OH_STAGE_CLASSIFY;
	if (!p->ethertype || p->skb->vlan_present)
		return -OH_DROP_ETHERTYPE;
	p->class = class_of(p);
	return 0;
}

/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* The inner frame, and who sent it where: known host, VNI, receiver. */
#pragma once
#include "../lib/pkt.h"
#include "../maps/config.h"
#include "../maps/destinations.h"
#include "../maps/hosts.h"
#include "overlay.h"
#include "parse.h"
#include "peer.h"
#include "sender.h"

/* From the onehop host whose router MAC it bears, by that host's row; no look-up by tunnel address is needed then. */
OH_INLINE int is_from_router(const struct oh_pkt *p, oh_host number)
{
	const struct host *host = host_lookup(number);

	return host && host->kind == OH_HOST_ONEHOP && host->tunnel_address == p->outer.ip.src;
}

/*
 * What nearly every packet is: routed, straight from its collecting host to a port here. Only a VPC that is served here
 * has addresses under its VNI in destinations, and no network does, so what the VNI means need not be asked.
 */
OH_INLINE int is_straight(struct oh_pkt *p)
{
	oh_mac here = router_mac(cfg_host);
	oh_host number = host_of_router_mac(&p->head.eth.src);

	if (p->ethertype != OH_ETHERTYPE_IPV4 || !mac_equal(&p->head.eth.dst, &here) ||
	    p->outer.vxlan.vni & bpf_htonl(OH_RELAYED) || !is_from_router(p, number))
		return 0;
	p->target = addr_of_ip4(p->head.ip.dst);
	const struct destination *d = destination_lookup(vni_of(p), p->target);
	if (!d || d->place != OH_PLACE_LOCAL)
		return 0;
	p->vpc = p->vni = vni_of(p);
	peer_heard(number);
	route_to_local(p, d);
	return 1;
}

/* All else by what is known of its sender and its VNI, which come before any fault of the frame. */
OH_INLINE int enter(struct oh_pkt *p)
{
	int parsed = parse(p), rc;

	if (!parsed && is_straight(p))
		return 0;
	p->stage = OH_STAGE_OUTER;
	rc = find_sender(p);
	if (rc)
		return rc;
	p->stage = OH_STAGE_PARSE;
	return parsed ?: overlay(p);
}

/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* What is routed to this host and is not here: a hub passes it on, and a guest's former host does. */
#pragma once
#include "../lib/icmp.h"
#include "../lib/pkt.h"
#include "../maps/config.h"
#include "../maps/destinations.h"
#include "../maps/hub_sources.h"
#include "../maps/learned.h"
#include "../maps/moved.h"
#include "../maps/routes.h"
#include "../maps/vpc_rules.h"
#include "../lib/message.h"
#include "hub.h"

/*
 * The host where an address, or the next hop of the route to it, is bound; 0: not known. A function of its own, so that
 * the verifier walks it once.
 */
__attribute__((noinline)) oh_host host_of(oh_vni vpc, oh_ip4 address)
{
	oh_addr target = addr_of_ip4(address);
	const struct destination *d = destination_lookup(vpc, target);

	if (!d) {
		const struct route *r = route_lookup(vpc, target);
		d = r && r->kind == OH_ROUTE_VIA ? destination_lookup(vpc, r->next_hop) : 0;
	}
	if (!d)
		return 0;
	if (d->place == OH_PLACE_LOCAL)
		return cfg_host;
	return d->place == OH_PLACE_REMOTE ? d->where : 0;
}

/* Where the source is bound, or was until lately, or one of the ranges that a port there may send from. */
OH_INLINE int sends_from(const struct oh_pkt *p, oh_host collector)
{
	oh_addr source = addr_of_ip4(p->head.ip.src);

	return host_of(p->vpc, p->head.ip.src) == collector || was_at(p->vpc, source, collector) ||
	       host_may_send(p->vpc, collector, source);
}

/*
 * A hub carries what a host sends in the name of its own guests, and what comes back from where the receiver is, or was
 * until lately; from another hub, too, which did not know the receiver.
 */
OH_INLINE int admit(const struct oh_pkt *p, const struct vpc_rules *rules, oh_host to)
{
	oh_host collector = host_of_router_mac(&p->head.eth.src), sender = p->sender.host;

	if (!sends_from(p, collector))
		return 0;
	if (!(p->relayed & OH_RELAYED_HOPS))
		return collector == sender;
	return sender == to || is_hub_of(rules, sender) || was_at(p->vpc, p->target, sender);
}

/* Any hub but the one that it came from. 0: there is none. */
OH_INLINE oh_host another_hub(const struct oh_pkt *p)
{
	return find_hub(p->vpc, ip4_of_addr(&p->target), p->sender.host) & ~OH_HUB_SILENT;
}

/* To another onehop host, as it came but for its hops. */
OH_INLINE void to_next(struct oh_pkt *p, oh_host to)
{
	p->to.place = OH_PLACE_REMOTE;
	p->to.where = to;
	p->to.vni = p->vpc;
	p->to.relayed = OH_RELAYED | ((p->relayed & OH_RELAYED_HOPS) + 1);
	p->to.src = p->head.eth.src;
	p->to.dst = router_mac(to);
}

/* Symmetric routing ends here: a plain peer is sent the network's own frames. */
OH_INLINE int to_peer(struct oh_pkt *p, const struct destination *d)
{
	const struct vni_entry *network = vni_lookup(d->network);

	if (!network || network->vpc != p->vpc)
		return -OH_DROP_UNKNOWN_VNI;
	p->to.place = OH_PLACE_PEER;
	p->to.where = d->where;
	p->to.vni = d->network;
	p->to.relayed = 0;
	p->to.src = network->gateway_mac;
	p->to.dst = d->mac;
	/* Nothing but the VNI is known to it. */
	p->outer.vxlan.flags = bpf_htonl(OH_VXLAN_VNI_VALID);
	return 0;
}

/* A hub is every gateway of the VPC to hosts that have none of that network's ports. The answer goes straight back. */
OH_INLINE int to_collector(struct oh_pkt *p)
{
	oh_host collector = host_of_router_mac(&p->head.eth.src);

	if (!is_echo(p))
		return -OH_DROP_SERVICE;
	p->to.place = OH_PLACE_GATEWAY;
	p->to.where = collector;
	p->to.vni = p->vpc;
	p->to.relayed = 0;
	p->to.src = router_mac(cfg_host);
	p->to.dst = router_mac(collector);
	return 0;
}

OH_INLINE int pass_by_hub(struct oh_pkt *p, const struct vpc_rules *rules, const struct destination *d)
{
	oh_host sender = p->sender.host, to = d && d->place == OH_PLACE_REMOTE ? d->where : 0;

	if (!admit(p, rules, to))
		return -OH_DROP_HUB_SOURCE;
	/* A gateway is no next hop. */
	if (d && d->place == OH_PLACE_GATEWAY)
		return ip4_of_addr(&p->target) == p->head.ip.dst ? to_collector(p) : -OH_DROP_UNKNOWN_DESTINATION;
	if (d && d->place == OH_PLACE_PEER)
		return to_peer(p, d);
	if (!to && is_whole(rules))
		return -OH_DROP_UNKNOWN_DESTINATION;
	if (!to || to == sender)
		to = may_try_another(rules, p->relayed & OH_RELAYED_HOPS ? sender : 0, to) ? another_hub(p) : 0;
	if (!to)
		return -OH_DROP_UNKNOWN_DESTINATION;
	to_next(p, to);
	return 0;
}

/* A guest that was here: to its new host, where that is known, else by a hub; never back to where it came from. */
OH_INLINE int pass_by_former(struct oh_pkt *p, const struct destination *d)
{
	const struct learned *l = d ? 0 : learned_lookup(p->vpc, p->target);
	oh_host to = d && d->place == OH_PLACE_REMOTE ? d->where : l ? l->host : 0;

	if (d && d->place == OH_PLACE_PEER)
		return to_peer(p, d);
	if (d && d->place == OH_PLACE_GATEWAY)
		return -OH_DROP_NOT_HERE;
	if (!to || to == p->sender.host)
		to = another_hub(p);
	if (!to)
		return -OH_DROP_NOT_HERE;
	to_next(p, to);
	return 0;
}

/* `d`: what is known of its receiver, or of the next hop of the route to it; NULL: nothing. */
OH_INLINE int pass_on(struct oh_pkt *p, const struct destination *d)
{
	const struct vpc_rules *rules = vpc_rules_lookup(p->vpc);

	if (!rules)
		return -OH_DROP_NOT_HERE;
	if ((p->relayed & OH_RELAYED_HOPS) >= OH_MAX_HOPS)
		return -OH_DROP_HOPS;
	return rules->is_hub ? pass_by_hub(p, rules, d) : pass_by_former(p, d);
}

/*
 * A plain peer that has a hub for its gateway: what one of its ports sends to a port elsewhere is routed here, and goes
 * straight on from here.
 */
OH_INLINE int pass_from_peer(struct oh_pkt *p, const struct destination *d)
{
	const struct vpc_rules *rules = vpc_rules_lookup(p->vpc);
	const struct destination *from;

	if (!rules || !rules->is_hub || !d || d->place != OH_PLACE_REMOTE)
		return -OH_DROP_NOT_HERE;
	from = destination_lookup(p->vpc, addr_of_ip4(p->head.ip.src));
	if (!from || from->place != OH_PLACE_PEER || from->where != p->sender.host)
		return -OH_DROP_HUB_SOURCE;
	to_next(p, d->where);
	p->to.relayed = 0;
	p->to.src = router_mac(cfg_host);
	return 0;
}

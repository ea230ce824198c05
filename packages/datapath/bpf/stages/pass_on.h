/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* What is routed to this host and is not here: a hub passes it on, and a guest's former host does. */
#pragma once
#include "../lib/icmp.h"
#include "../lib/pkt.h"
#include "../maps/config.h"
#include "../maps/destinations.h"
#include "../maps/learned.h"
#include "../maps/moved.h"
#include "../maps/routes.h"
#include "../maps/vpc_rules.h"
#include "../lib/message.h"
#include "hub.h"

/* The host where an address, or the next hop of the route to it, is bound; 0: not known. A function of its own, twice used. */
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

OH_INLINE int is_hub_of(const struct vpc_rules *rules, oh_host host)
{
	return rules->hubs[0] == host || rules->hubs[1] == host || rules->hubs[2] == host || rules->hubs[3] == host;
}

/*
 * A hub carries what a host sends in the name of its own guests, and what comes back from where the receiver is, or was
 * until lately; from another hub, too, which did not know the receiver.
 */
OH_INLINE int admit(const struct oh_pkt *p, const struct vpc_rules *rules, oh_host to)
{
	oh_host collector = host_of_router_mac(&p->head.eth.src);
	oh_host bound = host_of(p->vpc, p->head.ip.src);

	if (bound != collector && !was_at(p->vpc, addr_of_ip4(p->head.ip.src), collector))
		return 0;
	if (!(p->relayed & OH_RELAYED_HOPS))
		return collector == p->sender->host;
	return p->sender->host == to || is_hub_of(rules, p->sender->host) ||
	       was_at(p->vpc, p->target, p->sender->host);
}

/* Where a hub sends it. 0: it does not know, and `reason` is why it ends here. */
OH_INLINE oh_host next_by_hub(const struct oh_pkt *p, const struct vpc_rules *rules, int *reason)
{
	oh_host to = host_of(p->vpc, p->head.ip.dst);

	*reason = OH_DROP_HUB_SOURCE;
	if (!admit(p, rules, to))
		return 0;
	*reason = OH_DROP_UNKNOWN_DESTINATION;
	/* A table that is not whole: another hub may know, once. */
	if (!to && !is_whole(rules) && !(p->relayed & OH_RELAYED_HOPS))
		return find_hub(p->vpc, ip4_of_addr(&p->target)) & ~OH_HUB_SILENT;
	return to;
}

/* A guest that was here: to its new host, where that is known. */
OH_INLINE oh_host next_by_former(const struct oh_pkt *p)
{
	const struct learned *l;
	oh_host to = host_of(p->vpc, p->head.ip.dst);

	if (to)
		return to;
	l = learned_lookup(p->vpc, p->target);
	return l ? l->host : find_hub(p->vpc, ip4_of_addr(&p->target)) & ~OH_HUB_SILENT;
}

OH_INLINE int pass_on(struct oh_pkt *p)
{
	const struct vpc_rules *rules = vpc_rules_lookup(p->vpc);
	__u8 hops = (p->relayed & OH_RELAYED_HOPS) + 1;
	int reason = OH_DROP_NOT_HERE;
	oh_host to;

	if (!rules)
		return -OH_DROP_NOT_HERE;
	if (hops > OH_MAX_HOPS)
		return -OH_DROP_HOPS;
	to = rules->is_hub ? next_by_hub(p, rules, &reason) : next_by_former(p);
	if (!to || to == cfg_host)
		return -reason;
	p->to.place = OH_PLACE_REMOTE;
	p->to.where = to;
	p->to.relayed = OH_RELAYED | hops;
	return 0;
}

/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
#pragma once
#include "../lib/pkt.h"
#include "../maps/allowed.h"
#include "../maps/destinations.h"

/* One of the port's addresses, looked up only where it is not the first. */
OH_INLINE int is_own_address(const struct oh_pkt *p, oh_ip4 address)
{
	if (address == ip4_of_addr(&p->from->address))
		return 1;
	const struct destination *d = destination_lookup(p->vpc, addr_of_ip4(address));

	return d && d->place == OH_PLACE_LOCAL && d->where == p->slot;
}

OH_INLINE int is_own_source(const struct oh_pkt *p, oh_ip4 address)
{
	return is_own_address(p, address) ||
	       (p->from->has_allowed && source_is_allowed(p->slot, addr_of_ip4(address)));
}

OH_INLINE int guard_arp(const struct oh_pkt *p)
{
	oh_ip4 sender;

	__builtin_memcpy(&sender, p->head.arp.sender_ip, sizeof(sender));
	if (!mac_equal(&p->head.arp.sender_mac, &p->from->mac))
		return -OH_DROP_ARP_SOURCE;
	/* RFC 5227 section 2.1.1: a probe has no sender address yet. */
	return !sender || is_own_source(p, sender) ? 0 : -OH_DROP_ARP_SOURCE;
}

/* What a guest sends is in its own name. */
OH_INLINE int source_guard(struct oh_pkt *p)
{
	p->stage = OH_STAGE_SOURCE_GUARD;
	if (!mac_equal(&p->head.eth.src, &p->from->mac))
		return -OH_DROP_SOURCE_MAC;
	if (p->class == OH_CLASS_ARP)
		return guard_arp(p);
	/* RFC 2131 section 4.1: who asks for an address has none yet. */
	if (p->class == OH_CLASS_DHCP && !p->head.ip.src)
		return 0;
	return is_own_source(p, p->head.ip.src) ? 0 : -OH_DROP_SOURCE_ADDRESS;
}

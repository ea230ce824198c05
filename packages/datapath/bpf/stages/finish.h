/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* The one exit: counts, tells of drops, records the decision for test runs, and gives tc its verdict. */
#pragma once
#include "../lib/pkt.h"
#include "../maps/config.h"
#include "../maps/counters.h"
#include "../maps/decision.h"
#include "../maps/events.h"
#include "../maps/learning.h"
#include "watch.h"

OH_INLINE void count_sent(const struct oh_pkt *p, int accepted)
{
	struct port_counters *c = port_counters_of(p->slot);

	if (!c)
		return;
	if (p->class < OH_CLASS_MAX)
		c->class_packets[p->class]++;
	if (accepted) {
		c->tx_packets++;
		c->tx_bytes += p->len;
	}
}

OH_INLINE void count_received(const struct oh_pkt *p)
{
	struct port_counters *c = port_counters_of(p->to.where);

	if (c) {
		c->rx_packets++;
		c->rx_bytes += p->len;
	}
}

OH_INLINE void tell_addresses(const struct oh_pkt *p, struct drop_event *e)
{
	e->src_mac = p->head.eth.src;
	e->dst_mac = p->head.eth.dst;
	e->ethertype = bpf_ntohs(p->head.eth.type);
	if (p->ethertype == OH_ETHERTYPE_IPV4) {
		e->src = addr_of_ip4(p->head.ip.src);
		e->dst = addr_of_ip4(p->head.ip.dst);
		e->protocol = p->head.ip.protocol;
	} else if (p->ethertype == OH_ETHERTYPE_ARP) {
		e->src.b[10] = e->src.b[11] = e->dst.b[10] = e->dst.b[11] = 0xff;
		__builtin_memcpy(&e->src.b[12], p->head.arp.sender_ip, 4);
		__builtin_memcpy(&e->dst.b[12], p->head.arp.target_ip, 4);
	}
	if (p->has_l4 && e->protocol != OH_PROTO_ICMP) {
		e->sport = p->head.l4.sport;
		e->dport = p->head.l4.dport;
	}
}

OH_INLINE void tell_drop(const struct oh_pkt *p, __u8 reason)
{
	oh_ns now = bpf_ktime_get_ns();
	struct drop_event *e;

	if (!event_budget_admits(p->slot, now))
		return;
	e = bpf_ringbuf_reserve(&events_v1, sizeof(*e), 0);
	if (!e)
		return;
	__builtin_memset(e, 0, sizeof(*e));
	e->time = now;
	if (p->from)
		e->port = p->from->port;
	e->vpc = p->vpc;
	e->vni = p->vni;
	e->ifindex = p->skb->ifindex;
	e->length = p->len;
	e->reason = reason;
	e->class = p->class;
	e->stage = p->stage;
	e->program = p->program;
	tell_addresses(p, e);
	bpf_ringbuf_submit(e, 0);
}

OH_INLINE void record(const struct oh_pkt *p, int rc, __u8 reason)
{
	__u32 zero = 0;
	struct decision *d = bpf_map_lookup_elem(&decision_v1, &zero);

	if (!d)
		return;
	d->action = rc > 0 ? rc : OH_ACTION_DROP;
	d->reason = reason;
	d->class = p->class;
	d->stage = p->stage;
	d->slot = p->slot;
	d->host = 0;
	d->ifindex = 0;
	switch (rc) {
	case OH_ACTION_GUEST:
		d->slot = p->to.where;
		d->ifindex = p->to.endpoint ? p->to.endpoint->ifindex : 0;
		break;
	case OH_ACTION_ASK:
	case OH_ACTION_HOST:
		d->host = p->to.where;
		d->ifindex = p->to.host ? p->to.host->uplink : 0;
		break;
	case OH_ACTION_REPLY:
		d->host = p->stage == OH_STAGE_LEARN ? p->to.where : 0;
		d->ifindex = p->skb->ifindex;
		break;
	}
}

OH_INLINE int finish(const struct oh_pkt *p, int rc)
{
	__u8 reason = rc < 0 ? -rc : p->reason;

	/* The packet itself goes round again, and is counted then. */
	if (rc == OH_ACTION_ASK) {
		if (cfg_record)
			record(p, rc, 0);
		return p->verdict;
	}
	if (p->from && p->from->learns && rc == OH_ACTION_HOST && p->to.routed)
		count_way(p->slot, p->to.relayed);
	/* Not atomic, which costs each packet 6 ns: two processors at once may count one. */
	if (p->used && rc == OH_ACTION_HOST)
		p->used->packets++;
	/* The packet that an answer is about was counted, and seen, when it was sent. */
	if (p->from && rc != OH_ACTION_LEARNED)
		count_sent(p, !reason);
	if (rc == OH_ACTION_GUEST)
		count_received(p);
	if (reason) {
		count_drop(p->slot, reason, p->len);
		tell_drop(p, reason);
	}
	if (cfg_record)
		record(p, rc, reason);
	if (cfg_watch && rc != OH_ACTION_LEARNED)
		watch(p, OH_WAY_WENT, rc, reason);
	return rc > 0 ? p->verdict : TC_ACT_SHOT;
}

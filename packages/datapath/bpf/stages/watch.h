/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Tells of packets while somebody looks: capture, top, trace --live. Folded away where cfg_watch is 0. */
#pragma once
#include "../lib/pkt.h"
#include "../maps/config.h"
#include "../maps/counters.h"
#include "../maps/watches.h"

OH_INLINE int watch_wants(const struct watch *w, const struct watched *p)
{
	if ((w->vpc && w->vpc != p->vpc) || (w->slot != OH_NO_SLOT && w->slot != p->from && w->slot != p->to))
		return 0;
	if ((w->ethertype && w->ethertype != p->ethertype) || (w->id && w->id != p->id))
		return 0;
	/* An answer goes the other way, and an error is of another protocol: whoever asked looks for himself. */
	if (p->action == OH_ACTION_REPLY)
		return 1;
	return (!w->protocol || w->protocol == p->protocol) && (!w->src || w->src == p->src) &&
	       (!w->dst || w->dst == p->dst) && (!w->host || w->host == p->src || w->host == p->dst) &&
	       (!w->port || w->port == p->sport || w->port == p->dport);
}

OH_INLINE void watch_miss(__u32 index)
{
	struct watch_lost *lost = bpf_map_lookup_elem(&watch_lost_v1, &index);

	if (lost)
		lost->packets++;
}

OH_INLINE void count_pair(const struct watched *p, __u32 index)
{
	struct pair_key key = { .vpc = p->vpc, .src = p->src, .dst = p->dst };
	struct pair_count first = { .packets = 1, .bytes = p->length };

	if (p->way != OH_WAY_CAME || !p->src)
		return;
	struct pair_count *c = bpf_map_lookup_elem(&pairs_v1, &key);
	if (c) {
		c->packets++;
		c->bytes += p->length;
	} else if (bpf_map_update_elem(&pairs_v1, &key, &first, BPF_NOEXIST)) {
		watch_miss(index);
	}
}

OH_INLINE void watch_tell(struct __sk_buff *skb, struct watch_scratch *s, __u32 snap)
{
	__u32 n = skb->len < snap ? skb->len : snap;

	if (n > OH_WATCH_BYTES)
		n = OH_WATCH_BYTES;
	/* A length of 0 is one that the helper refuses. */
	if (n == 0 || bpf_skb_load_bytes(skb, 0, s->data, n))
		n = 0;
	s->head.captured = n;
	if (bpf_ringbuf_output(&watched_v1, s, sizeof(s->head) + n, 0))
		watch_miss(s->head.watch);
}

/* For every watch that wants the packet. A function of its own, so that the verifier walks it once. */
__attribute__((noinline)) int watch_packet(struct __sk_buff *skb)
{
	__u32 zero = 0;
	struct watch_scratch *s = bpf_map_lookup_elem(&watch_scratch_v1, &zero);

	if (!s)
		return 0;
	for (__u32 i = 0; i < OH_MAX_WATCHES; i++) {
		__u32 index = i;
		const struct watch *w = bpf_map_lookup_elem(&watches_v1, &index);
		if (!w || w->until < s->head.time || !watch_wants(w, &s->head))
			continue;
		s->head.watch = i;
		if (w->pairs)
			count_pair(&s->head, i);
		else
			watch_tell(skb, s, w->snap);
	}
	return 0;
}

OH_INLINE void watch_addresses(const struct oh_pkt *p, struct watched *w)
{
	w->ethertype = bpf_ntohs(p->head.eth.type);
	if (p->ethertype == OH_ETHERTYPE_IPV4) {
		w->src = p->head.ip.src;
		w->dst = p->head.ip.dst;
		w->id = bpf_ntohs(p->head.ip.id);
		w->protocol = p->head.ip.protocol;
	} else if (p->ethertype == OH_ETHERTYPE_ARP) {
		__builtin_memcpy(&w->src, p->head.arp.sender_ip, sizeof(w->src));
		__builtin_memcpy(&w->dst, p->head.arp.target_ip, sizeof(w->dst));
	}
	if (p->has_l4 && w->protocol != OH_PROTO_ICMP) {
		w->sport = p->head.l4.sport;
		w->dport = p->head.l4.dport;
	}
}

OH_INLINE void watch(const struct oh_pkt *p, __u8 way, int rc, __u8 reason)
{
	__u32 zero = 0;
	struct watch_scratch *s = bpf_map_lookup_elem(&watch_scratch_v1, &zero);

	/* What is left to the host's own stack is nobody's to see. */
	if (!s || (rc == OH_ACTION_STACK && !p->vpc))
		return;
	__builtin_memset(&s->head, 0, sizeof(s->head));
	s->head.time = bpf_ktime_get_ns();
	s->head.vpc = p->vpc;
	s->head.from = p->slot;
	s->head.to = rc == OH_ACTION_GUEST ? p->to.where : OH_NO_SLOT;
	s->head.host = rc == OH_ACTION_HOST ? p->to.where : 0;
	s->head.ifindex = p->skb->ifindex;
	s->head.length = p->skb->len;
	s->head.way = way;
	s->head.program = p->program;
	s->head.class = p->class;
	s->head.stage = p->stage;
	s->head.action = rc < 0 ? OH_ACTION_DROP : rc;
	s->head.reason = reason;
	watch_addresses(p, &s->head);
	watch_packet(p->skb);
}

/* What a guest sent, before anything of it is changed. */
OH_INLINE int watch_came(const struct oh_pkt *p)
{
	if (cfg_watch && !p->asked)
		watch(p, OH_WAY_CAME, 0, 0);
	return 0;
}

/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * Questions beside packets. The packet's clone goes round to its own device again, marked, and travels; the original
 * becomes the message. Cutting a packet that is not encapsulated yet works on super-packets too and ends their being such.
 */
#pragma once
#include "../lib/csum.h"
#include "../lib/message.h"
#include "../lib/overlay_mark.h"
#include "../lib/pkt.h"
#include "../maps/ask_budgets.h"
#include "../maps/ask_scratch.h"
#include "../maps/config.h"
#include "../maps/learned.h"
#include "../maps/learning.h"
#include "../maps/peers.h"
#include "../maps/questions.h"
#include "../maps/vpc_keys.h"
#include "envelope.h"
#include "peer.h"
#include "vouch.h"

#define OH_RENONCE (1000 * OH_MS)	/* a question keeps its nonce so long */
#define OH_MESSAGE_FRAME (OH_ETH_LEN + OH_MESSAGE_LEN)
/* Of a tunnel's packet that is not cut: UDP's checksum, if a device is to fill it in, still falls into the tail. */
#define OH_UNCUT_MAX (OH_ETH_LEN + OH_MESSAGE_TAIL + 26)

OH_INLINE __u64 random64(void)
{
	return (__u64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32();
}

/*
 * Hashed, since some outputs of the kernel's generator tell the next ones to whoever is asked. 0: none. A function of its
 * own for the stack's sake.
 */
__attribute__((noinline)) __u64 new_nonce(void)
{
	struct ask_scratch *s = ask_scratch();

	if (!s)
		return 0;
	if (!s->nonces) {
		s->secret.k[0] = random64();
		s->secret.k[1] = random64();
	}
	s->nonces++;
	return siphash(&s->nonces, 1, &s->secret);
}

OH_INLINE int within_budget(const struct wish *w)
{
	const struct vpc_rules *rules = vpc_rules_lookup(w->about.vpc);

	if (!rules || !port_may_ask(w->slot, rules->port_ask_rate, rules->port_ask_burst) ||
	    !vpc_may_ask(w->about.vpc, rules->ask_rate, rules->ask_burst)) {
		count_learning(OH_LEARN_OVER_BUDGET);
		return 0;
	}
	return 1;
}

/* The nonce to ask with, `fresh` or one that is open still; 0: not now. What went by a hub proves no straight way. */
OH_INLINE __u64 open_question(const struct wish *w, struct question *q, __u64 fresh)
{
	__u32 straight = w->kind == OH_ASK_REFRESH;
	const struct question *old = bpf_map_lookup_elem(&questions_v1, &w->about);
	oh_ns now = bpf_ktime_get_coarse_ns();

	if (old && old->asked == w->to && is_within(old->last, now, OH_REASK))
		return 0;
	if (w->kind == OH_ASK_HUB && !within_budget(w))
		return 0;
	if (old && old->straight == straight && is_within(old->first, now, OH_RENONCE)) {
		q->nonce = old->nonce;
		q->first = old->first;
	} else {
		q->nonce = fresh;
		q->first = now;
	}
	q->last = now;
	q->asked = w->to;
	q->straight = straight;
	q->slot = w->slot;
	__builtin_memcpy(q->quote, w->quote, sizeof(q->quote));
	return bpf_map_update_elem(&questions_v1, &w->about, q, BPF_ANY) ? 0 : q->nonce;
}

OH_INLINE __u64 open_probe(oh_host number, __u64 fresh)
{
	struct peer *peer = peer_lookup(number);
	oh_ns now = bpf_ktime_get_coarse_ns();

	if (!peer)
		return 0;
	if (!peer->tries) {
		peer->first = now;
		peer->nonce = fresh;
		peer->open = 0;
	}
	peer->probed = now;
	peer->tries++;
	if (peer->open < OH_PEER_TRIES)
		peer->open++;
	return peer->nonce;
}

/* The entry that is asked about, so that the answer can say which claim is not true any more. */
OH_INLINE void name_entry(const struct wish *w, struct oh_message_head *m)
{
	struct learned *l = bpf_map_lookup_elem(&learned_v1, &w->about);

	if (!l)
		return;
	if (w->kind == OH_ASK_REFRESH)
		l->asked = bpf_ktime_get_coarse_ns();
	m->port = l->port;
	m->revision = __builtin_bswap64(l->claim.revision);
	m->epoch = bpf_htonl(l->claim.epoch);
	m->sequence = bpf_htonl(l->claim.sequence);
}

/*
 * Cuts the packet down to its first headers, without IPv4 options, since the kernel cuts no checksum off that a device is
 * to fill in. Nor does it cut what carries a tunnel's mark: that must be small as it is.
 */
OH_INLINE int cut(struct __sk_buff *skb, const struct oh_ip *ip)
{
	__s32 options = (ip->version_ihl & 0xf) * 4 - OH_IP_LEN;

	if (options > 0 && bpf_skb_adjust_room(skb, -options, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO))
		return -1;
	if (!bpf_skb_change_tail(skb, OH_ETH_LEN + OH_MESSAGE_TAIL, 0))
		return 0;
	/* An ICMP checksum is the guest's own. */
	return skb->gso_size || skb->len > (ip->protocol == OH_PROTO_ICMP ? OH_MESSAGE_FRAME : OH_UNCUT_MAX);
}

/* The packet, whose clone has gone, becomes the message. What is left of its own headers is the tail. */
OH_INLINE int become_message(struct __sk_buff *skb, const struct host *host, const struct ask_scratch *s)
{
	const struct oh_message_body *body = (const struct oh_message_body *)s->message;
	struct oh_envelope e = {};

	envelope_to(&e, host->tunnel_address);
	if (cut(skb, (const struct oh_ip *)s->wish.quote) ||
	    bpf_skb_adjust_room(skb, OH_MESSAGE_FRAME - skb->len, BPF_ADJ_ROOM_MAC, 0) ||
	    bpf_skb_store_bytes(skb, OH_ETH_LEN, &e, sizeof(e), 0) ||
	    bpf_skb_store_bytes(skb, OH_ETH_LEN + sizeof(e), body, sizeof(*body), 0))
		return -1;
	return send_to(host) == TC_ACT_REDIRECT ? 0 : -1;
}

/* Who asks what, and with which nonce: 0 where nothing is to be asked now. */
OH_INLINE int fill_question(struct ask_scratch *s, struct oh_message_head *m)
{
	const struct wish *w = &s->wish;
	__u64 fresh = new_nonce();
	__u64 nonce = w->kind == OH_ASK_PROBE ? open_probe(w->to, fresh) : open_question(w, &s->question, fresh);

	if (!nonce)
		return 0;
	__builtin_memset(m, 0, sizeof(*m));
	m->version = OH_MESSAGE_VERSION;
	m->kind = OH_MESSAGE_ASK;
	m->vpc = bpf_htonl(w->about.vpc);
	m->asker = bpf_htonl(cfg_host);
	m->nonce = nonce;
	if (w->kind == OH_ASK_PROBE)
		return 1;
	m->address = w->about.address;
	name_entry(w, m);
	return 1;
}

OH_INLINE void count_question(__u32 kind)
{
	count_learning(kind == OH_ASK_HUB ? OH_LEARN_ASKED
		       : kind == OH_ASK_PROBE ? OH_LEARN_PROBED : OH_LEARN_REFRESHED);
}

/*
 * Asks what the scratch says, if it is time to. 0: the packet is as it was. 1: it went round again, and what was here is
 * a message to be redirected; 2: it went round again, and what was here is to be dropped. A function of its own, so that
 * the verifier walks it once.
 */
__attribute__((noinline)) int send_question(struct __sk_buff *skb)
{
	struct ask_scratch *s = ask_scratch();
	const struct vpc_keys *keys;
	const struct host *host;
	int lost;

	if (!s)
		return 0;
	struct oh_message_body *body = (struct oh_message_body *)s->message;
	keys = vpc_keys_lookup(s->wish.about.vpc);
	host = host_lookup(s->wish.to);
	if (!keys || !host || !host->uplink || !fill_question(s, &body->head))
		return 0;
	body->head.key_version = bpf_htonl(keys->version);
	body->tag = message_tag(&body->head, &keys->current);
	skb->mark = OH_MARK_AGAIN | (s->wish.asked & 0xff);
	lost = bpf_clone_redirect(skb, skb->ifindex, BPF_F_INGRESS);
	skb->mark = 0;
	if (lost)
		return 0;
	if (become_message(skb, host, s)) {
		count_learning(OH_LEARN_NOT_CUT);
		return 2;
	}
	count_question(s->wish.kind);
	return 1;
}

/*
 * Every other probe goes under the key that the host answered last: that it lacks another says nothing about it. A
 * function of its own for the stack's sake.
 */
__attribute__((noinline)) oh_vni probe_vpc(oh_vni vpc, oh_host number)
{
	const struct peer *peer = peer_lookup(number);

	return peer && peer->vpc && peer->tries & 1 && vpc_keys_lookup(peer->vpc) ? peer->vpc : vpc;
}

OH_INLINE int try_question(struct oh_pkt *p, __u32 kind, oh_host to, __u8 asked)
{
	struct ask_scratch *s = ask_scratch();
	int sent;

	if (!s)
		return 0;
	s->wish.about.vpc = kind == OH_ASK_PROBE ? probe_vpc(p->vpc, to) : p->vpc;
	s->wish.kind = kind;
	s->wish.to = to;
	s->wish.slot = p->slot;
	s->wish.asked = p->asked | asked;
	s->wish.about.address = p->target;
	__builtin_memcpy(s->wish.quote, &p->head.ip, OH_QUOTE);
	sent = send_question(p->skb);
	if (!sent)
		return 0;
	p->to.where = to;
	p->verdict = sent == 1 ? TC_ACT_REDIRECT : TC_ACT_SHOT;
	return OH_ACTION_ASK;
}

/* The question that is due, then the probe: one message for each time that the packet comes by. */
OH_INLINE int ask(struct oh_pkt *p)
{
	int rc = 0;

	p->stage = OH_STAGE_ASK;
	if (p->question && !(p->asked & OH_ASKED_HOST))
		rc = try_question(p, p->question, p->ask, OH_ASKED_HOST);
	if (!rc && p->probe && !(p->asked & OH_ASKED_PEER))
		rc = try_question(p, OH_ASK_PROBE, p->probe, OH_ASKED_PEER);
	return rc ?: p->doomed ? -OH_DROP_NO_HUB : 0;
}

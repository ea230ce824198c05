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

#define OH_REASK (10 * OH_MS)
#define OH_RENONCE (1000 * OH_MS)	/* a question keeps its nonce so long */
#define OH_ROOM (OH_MESSAGE_LEN - OH_MESSAGE_TAIL)

OH_INLINE __u64 new_nonce(void)
{
	return (__u64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32();
}

OH_INLINE int within_budget(const struct wish *w)
{
	const struct vpc_rules *rules = vpc_rules_lookup(w->vpc);

	if (!rules || !port_may_ask(w->slot, rules->port_ask_rate, rules->port_ask_burst) ||
	    !vpc_may_ask(w->vpc, rules->ask_rate, rules->ask_burst)) {
		count_learning(OH_LEARN_OVER_BUDGET);
		return 0;
	}
	return 1;
}

/* The nonce to ask with; 0: not now. */
OH_INLINE __u64 open_question(const struct wish *w, struct question *q)
{
	struct destination_key key = { .vpc = w->vpc, .address = w->address };
	const struct question *old = bpf_map_lookup_elem(&questions_v1, &key);
	oh_ns now = bpf_ktime_get_coarse_ns();

	if (old && old->asked == w->to && is_within(old->last, now, OH_REASK))
		return 0;
	if (w->kind == OH_ASK_HUB && !within_budget(w))
		return 0;
	if (old && is_within(old->first, now, OH_RENONCE)) {
		q->nonce = old->nonce;
		q->first = old->first;
	} else {
		q->nonce = new_nonce();
		q->first = now;
	}
	q->last = now;
	q->asked = w->to;
	q->slot = w->slot;
	__builtin_memcpy(q->quote, w->quote, sizeof(q->quote));
	return bpf_map_update_elem(&questions_v1, &key, q, BPF_ANY) ? 0 : q->nonce;
}

OH_INLINE __u64 open_probe(oh_host number)
{
	struct peer *peer = peer_lookup(number);
	oh_ns now = bpf_ktime_get_coarse_ns();

	if (!peer)
		return 0;
	if (!peer->tries) {
		peer->first = now;
		peer->nonce = new_nonce();
	}
	peer->probed = now;
	peer->tries++;
	return peer->nonce;
}

/* The entry that is asked about, so that the answer can say which claim is not true any more. */
OH_INLINE void name_entry(const struct wish *w, struct oh_message_head *m)
{
	struct learned *l = learned_lookup(w->vpc, w->address);

	if (!l)
		return;
	if (w->kind == OH_ASK_REFRESH)
		l->asked = bpf_ktime_get_coarse_ns();
	m->port = l->port;
	m->revision = __builtin_bswap64(l->claim.revision);
	m->epoch = bpf_htonl(l->claim.epoch);
	m->sequence = bpf_htonl(l->claim.sequence);
}

/* The packet, whose clone has gone, becomes the message. What is left of its own headers is the tail. */
OH_INLINE int become_message(struct __sk_buff *skb, const struct host *host, const struct oh_message_body *body)
{
	struct oh_envelope e = {};

	envelope_to(&e, host->tunnel_address);
	if (bpf_skb_change_tail(skb, OH_ETH_LEN + OH_MESSAGE_TAIL, 0) ||
	    bpf_skb_adjust_room(skb, OH_ROOM, BPF_ADJ_ROOM_MAC, 0) ||
	    bpf_skb_store_bytes(skb, OH_ETH_LEN, &e, sizeof(e), 0) ||
	    bpf_skb_store_bytes(skb, OH_ETH_LEN + sizeof(e), body, sizeof(*body), 0))
		return -1;
	return send_to(host) == TC_ACT_REDIRECT ? 0 : -1;
}

/* Who asks what, and with which nonce: 0 where nothing is to be asked now. */
OH_INLINE int fill_question(struct ask_scratch *s, struct oh_message_head *m)
{
	const struct wish *w = &s->wish;
	__u64 nonce = w->kind == OH_ASK_PROBE ? open_probe(w->to) : open_question(w, &s->question);

	if (!nonce)
		return 0;
	__builtin_memset(m, 0, sizeof(*m));
	m->version = OH_MESSAGE_VERSION;
	m->kind = OH_MESSAGE_ASK;
	m->vpc = bpf_htonl(w->vpc);
	m->asker = bpf_htonl(cfg_host);
	m->nonce = nonce;
	if (w->kind == OH_ASK_PROBE)
		return 1;
	m->address = w->address;
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
	keys = vpc_keys_lookup(s->wish.vpc);
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
	if (become_message(skb, host, body)) {
		count_learning(OH_LEARN_NOT_CUT);
		return 2;
	}
	count_question(s->wish.kind);
	return 1;
}

OH_INLINE int try_question(struct oh_pkt *p, __u32 kind, oh_host to, __u8 asked)
{
	struct ask_scratch *s = ask_scratch();
	int sent;

	if (!s)
		return 0;
	s->wish.vpc = p->vpc;
	s->wish.kind = kind;
	s->wish.to = to;
	s->wish.slot = p->slot;
	s->wish.asked = p->asked | asked;
	s->wish.address = p->target;
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

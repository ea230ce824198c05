/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * Messages of other hosts: questions are answered by a rewrite in place, answers are taken in. Unencapsulated, to the
 * tunnel address, on an uplink: what guests send to the same port is in a tunnel and never comes here.
 */
#pragma once
#include "../lib/message.h"
#include "../lib/pkt.h"
#include "../maps/hosts.h"
#include "../maps/learning.h"
#include "../maps/message_scratch.h"
#include "../maps/vpc_keys.h"
#include "answers.h"
#include "envelope.h"
#include "questions.h"
#include "tell_guest.h"

/* The key that the message names; 0: none such, and `reason` is why. */
OH_INLINE const oh_secret *key_of(const struct oh_message_head *m, const struct vpc_keys *keys)
{
	__u32 version = bpf_ntohl(m->key_version);

	if (version == keys->version)
		return &keys->current;
	return version && version == keys->former_version ? &keys->former : 0;
}

/* One form, one length, nothing that is not described. */
OH_INLINE int is_well_formed_message(struct __sk_buff *skb, const struct oh_envelope *e, const struct oh_message_head *m)
{
	return e->ip.version_ihl == 0x45 && !(e->ip.fragment & ~bpf_htons(OH_IP_DF)) &&
	       e->ip.total_len == bpf_htons(OH_MESSAGE_LEN) && !csum_of_20(&e->ip) &&
	       e->udp.sport == bpf_htons(OH_PORT_LEARNING) && e->udp.len == bpf_htons(OH_MESSAGE_LEN - OH_IP_LEN) &&
	       skb->len >= OH_ETH_LEN + OH_MESSAGE_LEN && m->version == OH_MESSAGE_VERSION && m->kind &&
	       m->kind < OH_MESSAGE_MAX && (m->kind <= OH_MESSAGE_TEACH || !is_probe(m)) &&
	       m->hops <= OH_MAX_HOPS && !m->zero && (!m->roster || has_roster(m));
}

/* Who sent it and whether its tag is right: 0, or why it is rejected. */
OH_INLINE int authenticate(const struct oh_envelope *e, struct oh_received *r)
{
	const struct oh_message_head *m = &r->body->head;
	const struct tunnel *sender = tunnel_lookup(e->ip.src);
	const struct vpc_keys *keys = vpc_keys_lookup(bpf_ntohl(m->vpc));

	if (!sender || sender->kind != OH_HOST_ONEHOP)
		return -OH_LEARN_STRANGER;
	if (!keys)
		return -OH_LEARN_NO_KEY;
	const oh_secret *key = key_of(m, keys);
	if (!key)
		return -OH_LEARN_KEY_VERSION;
	if (message_tag(m, key) != r->body->tag)
		return -OH_LEARN_TAG;
	r->sender = sender->host;
	r->key.vpc = bpf_ntohl(m->vpc);
	r->key.address = m->address;
	return 0;
}

/* The question, rewritten, goes where the reply says. */
OH_INLINE int send_reply(struct __sk_buff *skb, struct message_scratch *s, oh_host to)
{
	struct oh_message_body *body = (struct oh_message_body *)s->message;
	struct oh_envelope *e = (struct oh_envelope *)s->envelope;
	const struct vpc_keys *keys = vpc_keys_lookup(bpf_ntohl(body->head.vpc));
	const struct host *host = host_lookup(to);

	if (!keys || !host || !host->uplink || host->kind != OH_HOST_ONEHOP)
		return -OH_LEARN_ASKER;
	body->head.key_version = bpf_htonl(keys->version);
	body->tag = message_tag(&body->head, &keys->current);
	__builtin_memset(e, 0, sizeof(*e));
	envelope_to(e, host->tunnel_address);
	if (bpf_skb_store_bytes(skb, OH_ETH_LEN, e, sizeof(*e), BPF_F_RECOMPUTE_CSUM) ||
	    bpf_skb_store_bytes(skb, OH_ETH_LEN + sizeof(*e), body, sizeof(*body), BPF_F_RECOMPUTE_CSUM))
		return -OH_LEARN_NOT_CUT;
	return send_to(host);
}

/* enum oh_learn, negative where it is rejected; the scratch has the verdict of a message that goes on. */
OH_INLINE int take_message(struct __sk_buff *skb, struct message_scratch *s)
{
	struct oh_received r = { .body = (struct oh_message_body *)s->message };
	struct oh_envelope *e = (struct oh_envelope *)s->envelope;
	struct oh_reply reply = {};
	int what;

	if (bpf_skb_load_bytes(skb, OH_ETH_LEN, e, sizeof(*e)) ||
	    bpf_skb_load_bytes(skb, OH_ETH_LEN + sizeof(*e), r.body, sizeof(*r.body)) ||
	    !is_well_formed_message(skb, e, &r.body->head))
		return -OH_LEARN_MALFORMED;
	what = authenticate(e, &r);
	if (what)
		return what;
	if (r.body->head.kind != OH_MESSAGE_ASK) {
		what = take_answer(&r, s);
		if (what == OH_LEARN_UNKNOWN)
			s->verdict = tell_guest(skb, s, r.key.vpc);
		return what;
	}
	what = answer(&r, &reply);
	if (what < 0)
		return what;
	s->verdict = send_reply(skb, s, reply.to);
	s->host = reply.to;
	return s->verdict < 0 ? s->verdict : what;
}

/* enum oh_learn. A function of its own, so that the verifier walks it once. */
__attribute__((noinline)) int learn_message(struct __sk_buff *skb)
{
	struct message_scratch *s = message_scratch();
	int what;

	if (!s)
		return -OH_LEARN_MALFORMED;
	s->verdict = 0;
	s->host = 0;
	what = take_message(skb, s);
	count_learning(what < 0 ? -what : what);
	return what;
}

/*
 * The guest's packet that the question went beside ends at the hub, where no port stands for it: it is the sender's drop,
 * and told here, so that its tenant sees it. The slot may be another tenant's by now.
 */
OH_INLINE void own_drop(struct oh_pkt *p, const struct message_scratch *s)
{
	const struct oh_message_head *m = &((const struct oh_message_body *)s->message)->head;
	const struct endpoint *e = endpoint_lookup(s->open.slot);

	if (!e || e->vpc != bpf_ntohl(m->vpc))
		return;
	__builtin_memcpy(&p->head.ip, s->open.quote, OH_QUOTE);
	p->head.eth.src = e->mac;
	p->head.eth.dst = e->gateway_mac;
	p->ethertype = OH_ETHERTYPE_IPV4;
	p->has_l4 = p->head.ip.version_ihl == 0x45 && !(p->head.ip.fragment & bpf_htons(OH_IP_OFFSET));
	p->from = e;
	p->slot = s->open.slot;
	p->vpc = e->vpc;
	p->vni = e->network;
	p->class = OH_CLASS_LAYER3;
	p->len = OH_ETH_LEN + bpf_ntohs(p->head.ip.total_len);
	p->reason = ip4_of_addr(&m->address) == p->head.ip.dst ? OH_DROP_UNKNOWN_DESTINATION : OH_DROP_NEXT_HOP;
}

OH_INLINE int learn(struct oh_pkt *p)
{
	struct message_scratch *s = message_scratch();
	int what;

	p->stage = OH_STAGE_LEARN;
	if (!s)
		return -OH_DROP_INTERNAL;
	what = learn_message(p->skb);
	if (what < 0)
		return -OH_DROP_MESSAGE;
	if (what == OH_LEARN_UNKNOWN)
		own_drop(p, s);
	p->verdict = TC_ACT_SHOT;
	p->to.where = s->host;
	if (s->verdict == TC_ACT_REDIRECT)
		p->verdict = TC_ACT_REDIRECT;
	return s->host ? OH_ACTION_REPLY : OH_ACTION_LEARNED;
}

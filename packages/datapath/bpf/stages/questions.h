/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* What becomes of a question: answered by the host that has the port, passed on by a hub, or denied. */
#pragma once
#include "../lib/message.h"
#include "../maps/destinations.h"
#include "../maps/endpoints.h"
#include "../maps/learning.h"
#include "../maps/moved.h"
#include "../maps/rosters.h"
#include "../maps/vpc_rules.h"
#include "answers.h"
#include "hub.h"

/* Where the message goes that the question became, and what was done. */
struct oh_reply {
	oh_host to;
	int what;		/* enum oh_learn */
};

OH_INLINE int answer_as(struct oh_message_head *m, __u8 kind)
{
	m->kind = kind;
	m->teller = bpf_htonl(cfg_host);
	return kind == OH_MESSAGE_ABSENT ? OH_LEARN_TOLD_ABSENT : OH_LEARN_TOLD_UNKNOWN;
}

OH_INLINE int teach(struct oh_message_head *m, const struct endpoint *e, const struct vpc_rules *rules)
{
	answer_as(m, OH_MESSAGE_TEACH);
	m->port = e->port;
	m->revision = __builtin_bswap64(e->generation);
	m->epoch = bpf_htonl(rules ? rules->epoch : 0);
	m->sequence = 0;
	return OH_LEARN_TAUGHT;
}

/* The port with the address, where it is here and its guest can be reached. */
OH_INLINE const struct endpoint *port_here(const struct destination_key *key)
{
	const struct destination *d = destination_lookup(key->vpc, key->address);
	const struct endpoint *e = d && d->place == OH_PLACE_LOCAL ? endpoint_lookup(d->where) : 0;

	return e && e->vpc == key->vpc ? e : 0;
}

/* On towards the host that has it. */
OH_INLINE int pass_question(struct oh_message_head *m, struct oh_reply *reply, oh_host to)
{
	if (m->hops >= OH_MAX_HOPS)
		return -OH_LEARN_HOPS;
	m->hops++;
	reply->to = to;
	return OH_LEARN_PASSED_ON;
}

/* At a hub: who passed it on is another hub, or where the address is or was until lately. */
OH_INLINE int may_have_passed(const struct oh_received *r, const struct vpc_rules *rules, oh_host to)
{
	return !r->body->head.hops || to == r->sender || is_hub_of(rules, r->sender) ||
	       was_at(r->key.vpc, r->key.address, r->sender);
}

/* As find_hub, but for silence: hubs send no packets of their own that would show it. */
OH_INLINE oh_host hub_to_ask(const struct oh_received *r, const struct vpc_rules *rules)
{
	__u64 best_weight = 0;
	oh_host best = 0;

	for (__u32 i = 0; i < OH_MAX_HUBS; i++) {
		oh_host hub = rules->hubs[i];
		__u64 weight = hub_weight(hub, r->key.vpc, ip4_of_addr(&r->key.address));
		if (!hub || hub == cfg_host || hub == r->sender || weight < best_weight)
			continue;
		best = hub;
		best_weight = weight;
	}
	return best;
}

/* Not here. */
OH_INLINE int deny(struct oh_received *r)
{
	r->body->head.roster = bpf_htonl(roster_of(r->key.vpc));
	return answer_as(&r->body->head, OH_MESSAGE_ABSENT);
}

/* What a hub stands for itself, a plain peer's port or a gateway, stays with it; an entry that says otherwise is wrong. */
OH_INLINE int answer_for_itself(struct oh_received *r)
{
	return r->body->head.revision ? deny(r) : -OH_LEARN_NOT_KNOWN;
}

/* As a packet goes, so does the question (pass_by_hub). */
OH_INLINE int answer_by_hub(struct oh_received *r, const struct vpc_rules *rules, struct oh_reply *reply)
{
	struct oh_message_head *m = &r->body->head;
	const struct destination *d = destination_lookup(r->key.vpc, r->key.address);
	oh_host asker = reply->to, to = d && d->place == OH_PLACE_REMOTE ? d->where : 0;

	if (!may_have_passed(r, rules, to))
		return -OH_LEARN_ASKER;
	if (d && (d->place == OH_PLACE_PEER || d->place == OH_PLACE_GATEWAY))
		return answer_for_itself(r);
	if (!to && is_whole(rules))
		return answer_as(m, OH_MESSAGE_UNKNOWN);
	if ((!to || to == r->sender) && may_try_another(rules, m->hops ? r->sender : 0, to))
		to = hub_to_ask(r, rules);
	/* Who asks knows best that it is not there. */
	return to && to != r->sender && to != asker ? pass_question(m, reply, to) : -OH_LEARN_NOT_KNOWN;
}

/* Asked straight it is the truth about this host; a guest's former host may know the new one. */
OH_INLINE int answer_by_former(struct oh_received *r, struct oh_reply *reply)
{
	struct oh_message_head *m = &r->body->head;
	const struct destination *d = destination_lookup(r->key.vpc, r->key.address);

	if (m->hops && d && d->place == OH_PLACE_REMOTE && d->where != r->sender)
		return pass_question(m, reply, d->where);
	return deny(r);
}

/* The question becomes what is to be sent to reply->to. */
OH_INLINE int answer(struct oh_received *r, struct oh_reply *reply)
{
	struct oh_message_head *m = &r->body->head;
	const struct vpc_rules *rules = vpc_rules_lookup(r->key.vpc);
	const struct endpoint *e;
	__u32 roster;

	reply->to = bpf_ntohl(m->asker);
	/* Only who passes a question on may speak for its asker. */
	if (m->teller || (!m->hops && reply->to != r->sender))
		return -OH_LEARN_ASKER;
	if (is_probe(m)) {
		if (m->hops)
			return -OH_LEARN_HOPS;
		answer_as(m, OH_MESSAGE_TEACH);
		return OH_LEARN_TAUGHT;
	}
	/* Before it is looked whether the port is here, so that it is not the roster of what comes after it went. */
	roster = roster_of(r->key.vpc);
	e = port_here(&r->key);
	if (e) {
		m->roster = bpf_htonl(roster);
		return teach(m, e, rules);
	}
	return rules && rules->is_hub ? answer_by_hub(r, rules, reply) : answer_by_former(r, reply);
}

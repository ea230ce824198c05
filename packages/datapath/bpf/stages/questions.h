/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* What becomes of a question: answered by the host that has the port, passed on by a hub, or denied. */
#pragma once
#include "../lib/message.h"
#include "../maps/destinations.h"
#include "../maps/endpoints.h"
#include "../maps/learning.h"
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

/* Any hub but this one. */
OH_INLINE oh_host another_hub(const struct vpc_rules *rules)
{
	return rules->hubs[0] != cfg_host ? rules->hubs[0] : rules->hubs[1];
}

OH_INLINE int answer_elsewhere(struct oh_received *r, const struct vpc_rules *rules, struct oh_reply *reply)
{
	struct oh_message_head *m = &r->body->head;
	const struct destination *d = destination_lookup(r->key.vpc, r->key.address);
	oh_host to = d && d->place == OH_PLACE_REMOTE ? d->where : 0;

	/* Asked straight: the truth about this host. */
	if (!rules || (!rules->is_hub && !(to && m->hops)))
		return answer_as(m, OH_MESSAGE_ABSENT);
	if (to)
		return pass_question(m, reply, to);
	if (is_whole(rules))
		return answer_as(m, OH_MESSAGE_UNKNOWN);
	/* Another hub may know, once. */
	to = m->hops ? 0 : another_hub(rules);
	return to ? pass_question(m, reply, to) : -OH_LEARN_NOT_KNOWN;
}

/* The question becomes what is to be sent to reply->to. */
OH_INLINE int answer(struct oh_received *r, struct oh_reply *reply)
{
	struct oh_message_head *m = &r->body->head;
	const struct vpc_rules *rules = vpc_rules_lookup(r->key.vpc);
	const struct endpoint *e;

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
	e = port_here(&r->key);
	return e ? teach(m, e, rules) : answer_elsewhere(r, rules, reply);
}

/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* What becomes of an answer: every rule that it must pass, in order. docs/learning.md names each with its test. */
#pragma once
#include "../lib/icmp.h"
#include "../lib/message.h"
#include "../maps/endpoints.h"
#include "../maps/learned.h"
#include "../maps/learning.h"
#include "../maps/message_scratch.h"
#include "../maps/questions.h"
#include "../maps/vpc_rules.h"
#include "peer.h"
#include "sweep.h"
#include "vouch.h"

#define OH_UNKNOWN_FOR (20 * OH_MS)
#define OH_QUESTION_OPEN (2000 * OH_MS)	/* an answer may come so late */

/* A message that passed the checks of its form, and who sent it. */
struct oh_received {
	struct oh_message_body *body;
	oh_host sender;
	struct destination_key key;
	oh_ns straight;		/* of an answer by the host that was asked itself: when it was asked; else 0 */
};

OH_INLINE struct claim claim_in(const struct oh_message_head *m)
{
	struct claim c = {
		.revision = __builtin_bswap64(m->revision), .epoch = bpf_ntohl(m->epoch), .sequence = bpf_ntohl(m->sequence),
	};

	return c;
}

OH_INLINE int same_port(const oh_uuid *a, const oh_uuid *b)
{
	const __u64 *x = (const __u64 *)a, *y = (const __u64 *)b;

	return x[0] == y[0] && x[1] == y[1];
}

/* 0, or why no entry may be made of the claim. */
OH_INLINE int judge_claim(const struct oh_received *r, const struct claim *claim, const struct learned *old)
{
	struct barred_key barred = { .vpc = r->key.vpc, .host = r->sender };
	const struct claim *floor = bpf_map_lookup_elem(&floors_v1, &r->key);

	if (bpf_map_lookup_elem(&barred_v2, &barred))
		return OH_LEARN_BARRED;
	if (floor && claim_compare(claim, floor) < 0)
		return OH_LEARN_FLOOR;
	if (!old)
		return 0;
	int order = claim_compare(claim, &old->claim);
	/* One binding has one host. */
	return order < 0 || (!order && old->host != r->sender) ? OH_LEARN_GENERATION : 0;
}

/* 0: none that counts, since whoever carries a question can answer it in another's name. */
OH_INLINE __u32 roster_in(const struct oh_received *r)
{
	return r->straight ? bpf_ntohl(r->body->head.roster) : 0;
}

OH_INLINE void hear(const struct oh_received *r)
{
	if (r->straight)
		hear_roster(r->key.vpc, r->sender, roster_in(r), r->straight);
}

OH_INLINE struct learned_use *use_of(oh_vni vpc)
{
	struct vpc_key key = { .vpc = vpc };
	struct learned_use *use = bpf_map_lookup_elem(&learned_use_v1, &key);
	struct learned_use none = {};

	if (use)
		return use;
	bpf_map_update_elem(&learned_use_v1, &key, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&learned_use_v1, &key);
}

OH_INLINE int add_learned(const struct oh_received *r, const struct claim *claim, struct learned *fresh)
{
	const struct vpc_rules *rules = vpc_rules_lookup(r->key.vpc);
	struct learned_use *use = use_of(r->key.vpc);
	oh_ns now = bpf_ktime_get_coarse_ns();

	__builtin_memset(fresh, 0, sizeof(*fresh));
	fresh->host = r->sender;
	fresh->roster = roster_in(r);
	fresh->used = fresh->asked = fresh->taught = fresh->since = now;
	fresh->claim = *claim;
	fresh->port = r->body->head.port;
	if (!use || !rules || use->entries >= rules->max_learned ||
	    bpf_map_update_elem(&learned_v1, &r->key, fresh, BPF_NOEXIST)) {
		if (use)
			__sync_fetch_and_add(&use->refused, 1);
		return OH_LEARN_FULL;
	}
	__sync_fetch_and_add(&use->entries, 1);
	start_sweeper();
	return OH_LEARN_LEARNED;
}

/* In place, so that packets that use it meanwhile find it. */
OH_INLINE int renew(struct learned *l, const struct oh_received *r, const struct claim *claim)
{
	int moved = l->host != r->sender || !same_port(&l->port, &r->body->head.port);

	l->taught = bpf_ktime_get_coarse_ns();
	l->roster = roster_in(r);
	if (!moved && !claim_compare(claim, &l->claim))
		return OH_LEARN_RENEWED;
	l->claim = *claim;
	l->port = r->body->head.port;
	l->host = r->sender;
	if (!moved)
		return OH_LEARN_RENEWED;
	l->since = l->taught;
	return OH_LEARN_MOVED;
}

OH_INLINE int take_teach(const struct oh_received *r, struct learned *fresh)
{
	struct claim claim = claim_in(&r->body->head);
	struct learned *old = bpf_map_lookup_elem(&learned_v1, &r->key);
	int rejected = judge_claim(r, &claim, old);

	if (rejected)
		return -rejected;
	hear(r);
	bpf_map_delete_elem(&questions_v1, &r->key);
	bpf_map_delete_elem(&unknowns_v1, &r->key);
	return old ? renew(old, r, &claim) : add_learned(r, &claim, fresh);
}

OH_INLINE void remove_learned(const struct oh_received *r)
{
	struct vpc_key vpc = { .vpc = r->key.vpc };
	struct learned_use *use = bpf_map_lookup_elem(&learned_use_v1, &vpc);

	if (!bpf_map_delete_elem(&learned_v1, &r->key) && use && use->entries)
		__sync_fetch_and_add(&use->entries, -1);
}

/* Only the host that the entry points to may take it back, and only the very claim that it was asked about. */
OH_INLINE int take_absent(const struct oh_received *r)
{
	struct claim claim = claim_in(&r->body->head);
	const struct learned *l = bpf_map_lookup_elem(&learned_v1, &r->key);

	if (!l || l->host != r->sender || claim_compare(&claim, &l->claim) ||
	    !same_port(&l->port, &r->body->head.port))
		return -OH_LEARN_NOT_ITS_ENTRY;
	hear(r);
	bpf_map_delete_elem(&questions_v1, &r->key);
	remove_learned(r);
	return OH_LEARN_REMOVED;
}

OH_INLINE int take_unknown(const struct oh_received *r)
{
	struct unknown u = { .until = bpf_ktime_get_coarse_ns() + OH_UNKNOWN_FOR };
	const struct learned *l = bpf_map_lookup_elem(&learned_v1, &r->key);

	/* The entry's host is a hub itself, and knows of nobody who has it now; or nothing is heard of that host. */
	if (l && (l->host == r->sender || is_silent(l->host)))
		remove_learned(r);
	bpf_map_delete_elem(&questions_v1, &r->key);
	bpf_map_update_elem(&unknowns_v1, &r->key, &u, BPF_ANY);
	return OH_LEARN_UNKNOWN;
}

/*
 * With no address: somebody is there. One answer for each probe, though a refresh that was out beside it, or an earlier
 * answer, has shown as much.
 */
OH_INLINE int take_alive(const struct oh_received *r)
{
	struct peer *peer = peer_lookup(r->sender);
	__u32 open = peer ? peer->open : 0;

	if (!open || !is_within(peer->probed, bpf_ktime_get_coarse_ns(), OH_QUESTION_OPEN))
		return -OH_LEARN_UNSOLICITED;
	if (peer->nonce != r->body->head.nonce)
		return -OH_LEARN_NONCE;
	peer->open = open - 1;
	peer_answered(r->sender, r->key.vpc);
	return OH_LEARN_ALIVE;
}

/* An answer to the question that is open. What comes of it: enum oh_learn, negative where it is rejected. */
OH_INLINE int take_answer(struct oh_received *r, struct message_scratch *s)
{
	const struct oh_message_head *m = &r->body->head;
	const struct question *q;
	oh_host asked;

	if (m->asker != bpf_htonl(cfg_host))
		return -OH_LEARN_NOT_MINE;
	if (m->teller != bpf_htonl(r->sender))
		return -OH_LEARN_TELLER;
	if (is_probe(m))
		return take_alive(r);
	q = bpf_map_lookup_elem(&questions_v1, &r->key);
	if (!q || !is_within(q->first, bpf_ktime_get_coarse_ns(), OH_QUESTION_OPEN))
		return -OH_LEARN_UNSOLICITED;
	if (q->nonce != m->nonce)
		return -OH_LEARN_NONCE;
	s->open = *q;
	asked = q->asked;
	r->straight = q->straight && asked == r->sender ? q->first : 0;
	if (asked == r->sender)
		peer_answered(asked, r->key.vpc);
	switch (m->kind) {
	case OH_MESSAGE_TEACH:
		return take_teach(r, &s->entry);
	case OH_MESSAGE_ABSENT:
		return take_absent(r);
	default:
		return asked == r->sender ? take_unknown(r) : -OH_LEARN_NOT_ITS_HUB;
	}
}

/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
#pragma once
#include "../lib/hash.h"
#include "../maps/config.h"
#include "../maps/hub_sync.h"
#include "../maps/vpc_rules.h"
#include "peer.h"

#define OH_HUB_SILENT 0x80000000	/* a hub, but none of them answers */

/* 1 where this host is a hub whose table is whole: what it does not know is not there. */
OH_INLINE int is_whole(const struct vpc_rules *rules)
{
	return rules && rules->is_hub && rules->fits && hub_is_synced();
}

OH_INLINE int is_hub_of(const struct vpc_rules *rules, oh_host host)
{
	return rules->hubs[0] == host || rules->hubs[1] == host || rules->hubs[2] == host || rules->hubs[3] == host;
}

/*
 * Another hub may know what this one does not, or that a host has no more what it was thought to have (`to`): once, so
 * never after a hub. What its sender should have itself is nowhere else. `passer`: who passed it on; 0: its sender sent it.
 */
OH_INLINE int may_try_another(const struct vpc_rules *rules, oh_host passer, oh_host to)
{
	return passer ? !is_hub_of(rules, passer) : !to;
}

OH_INLINE __u64 hub_weight(oh_host hub, oh_vni vpc, oh_ip4 address)
{
	return hash_mix(hash_mix(hub, (__u64)vpc << 32 | address), hub);
}

struct hub_choice {
	oh_host best;
	oh_host last;		/* resort */
	__u64 best_weight;
	__u64 last_weight;
};

/* A hub that is dead or on hold is taken only where there is no other. */
OH_INLINE void consider_hub(struct hub_choice *c, oh_host hub, __u64 weight)
{
	const struct peer *peer = peer_lookup(hub);

	if (weight >= c->last_weight) {
		c->last = hub;
		c->last_weight = weight;
	}
	if (peer && is_held(peer, bpf_ktime_get_coarse_ns()))
		return;
	if (weight >= c->best_weight) {
		c->best = hub;
		c->best_weight = weight;
	}
}

/*
 * The hub of an address, by rendezvous hashing over those that are neither this host nor `except`: all hosts choose the
 * same, and a hub that goes takes only its own part with it. 0: there is none. A function of its own, so that the
 * verifier walks it once.
 */
__attribute__((noinline)) oh_host find_hub(oh_vni vpc, __u32 address, oh_host except)
{
	const struct vpc_rules *rules = vpc_rules_lookup(vpc);
	struct hub_choice c = {};

	if (!rules)
		return 0;
	for (__u32 i = 0; i < OH_MAX_HUBS; i++) {
		oh_host hub = rules->hubs[i];
		if (hub && hub != cfg_host && hub != except)
			consider_hub(&c, hub, hub_weight(hub, vpc, address));
	}
	if (c.best)
		return c.best;
	return c.last && is_silent(c.last) ? c.last | OH_HUB_SILENT : c.last;
}

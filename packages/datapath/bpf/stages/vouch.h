/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* One host's word for all that it taught, so that a thousand entries in use need one question a second, not a thousand. */
#pragma once
#include "../maps/learned.h"
#include "../maps/rosters.h"
#include "peer.h"

#define OH_REFRESH (1000 * OH_MS)
#define OH_REASK (10 * OH_MS)
#define OH_MUTE (3 * OH_REFRESH)	/* a host that says nothing new for so long has each entry asked about */

/*
 * 1: the entry's host has, within the last second, what it had when it taught it; or answers, and is being asked about
 * another entry. The time is read before what it is the time of, and written after it.
 */
OH_INLINE int is_vouched(oh_vni vpc, struct learned *l, oh_ns now)
{
	struct vouched *v = l->roster ? vouched_lookup(vpc, l->host) : 0;
	oh_ns asked = v ? *(volatile oh_ns *)&v->asked : 0;

	if (!v || *(volatile __u32 *)&v->roster != l->roster)
		return 0;
	if (is_within(asked, now, OH_REFRESH)) {
		l->asked = l->taught = asked;
		return 1;
	}
	if (is_within(asked, now, OH_MUTE) && is_within(v->again, now, OH_REASK))
		return 1;
	v->again = now;
	return 0;
}

/* An answer says what its host has, or had since it was asked: what was heard later stays. */
OH_INLINE void hear_roster(oh_vni vpc, oh_host host, __u32 roster, oh_ns asked)
{
	struct vouched_key key = { .vpc = vpc, .host = host };
	struct vouched *v = bpf_map_lookup_elem(&vouched_v1, &key);
	struct vouched first = { .asked = asked, .roster = roster };

	if (!v) {
		bpf_map_update_elem(&vouched_v1, &key, &first, BPF_NOEXIST);
	} else if ((__s64)(asked - v->asked) >= 0) {
		*(volatile __u32 *)&v->roster = first.roster;
		*(volatile oh_ns *)&v->asked = asked;
	}
}

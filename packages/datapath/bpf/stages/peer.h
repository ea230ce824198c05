/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Is a host there? Driven by packets to it, so that an idle host says nothing and a dead agent matters to nobody. */
#pragma once
#include "../lib/pkt.h"
#include "../maps/peers.h"

#define OH_MS 1000000ULL
#define OH_PEER_UNHEARD (100 * OH_MS)	/* then it is probed */
#define OH_PEER_UNASKED (1000 * OH_MS)	/* its data alone proves only one direction */
#define OH_PEER_AGAIN (30 * OH_MS)	/* between probes without an answer */
#define OH_PEER_SILENCE (96 * OH_MS)	/* of probes, at least OH_PEER_TRIES of them */
#define OH_PEER_TRIES 3
#define OH_PEER_HOLD (250 * OH_MS)	/* before a host that was silent is used again, doubled for each fall */
#define OH_PEER_CALM (60000 * OH_MS)	/* after which falls are forgotten */
#define OH_PEER_FALLS 6

/* Signed: another processor may have written a later time than this one read. */
OH_INLINE int is_within(oh_ns then, oh_ns now, __s64 span)
{
	return (__s64)(now - then) < span;
}

OH_INLINE int is_held(const struct peer *peer, oh_ns now)
{
	return peer->silent || now < peer->held_until;
}

OH_INLINE void fall_silent(struct peer *peer, oh_ns now)
{
	if (now - peer->silent_since > OH_PEER_CALM)
		peer->falls = 0;
	if (peer->falls < OH_PEER_FALLS)
		peer->falls++;
	peer->silent_since = now;
	peer->silent = 1;
}

/* Something came from it, straight. What is silent is believed only when it answers. */
OH_INLINE void peer_heard(oh_host number)
{
	struct peer *peer = peer_lookup(number);
	oh_ns now = bpf_ktime_get_coarse_ns();

	if (peer && peer->heard != now)
		peer->heard = now;
}

OH_INLINE int is_silent(oh_host number)
{
	const struct peer *peer = peer_lookup(number);

	return peer && peer->silent;
}

/* It answered a question that was put to it straight, under the VPC's key. */
OH_INLINE void peer_answered(oh_host number, oh_vni vpc)
{
	struct peer *peer = peer_lookup(number);
	oh_ns now = bpf_ktime_get_coarse_ns();

	if (!peer)
		return;
	peer->heard = peer->answered = now;
	peer->vpc = vpc;
	peer->tries = 0;
	if (!peer->silent)
		return;
	peer->silent = 0;
	peer->held_until = now + (OH_PEER_HOLD << (peer->falls & 7));
}

/* A function of its own: the rare half of what follows. 1: a probe is due. */
__attribute__((noinline)) int peer_doubt(oh_host number)
{
	struct peer *peer = peer_lookup(number);
	oh_ns now = bpf_ktime_get_coarse_ns();

	if (!peer)
		return 0;
	if (!peer->silent && peer->tries >= OH_PEER_TRIES && !is_within(peer->first, now, OH_PEER_SILENCE))
		fall_silent(peer, now);
	return !peer->tries || !is_within(peer->probed, now, peer->silent ? OH_PEER_UNHEARD : OH_PEER_AGAIN);
}

/* 1 where packets may go to the host straight; asks for a probe where it was not heard. */
OH_INLINE int is_usable(struct oh_pkt *p, oh_host number, oh_ns now)
{
	struct peer *peer = peer_lookup(number);

	if (!peer)
		return 1;
	if (!peer->silent && is_within(peer->heard, now, OH_PEER_UNHEARD) &&
	    is_within(peer->answered, now, OH_PEER_UNASKED)) {
		if (peer->tries)
			peer->tries = 0;
	} else if (peer_doubt(number)) {
		p->probe = number;
	}
	return !is_held(peer, now);
}

/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* SipHash-2-4 (Aumasson and Bernstein, 2012) of whole 64-bit words, unrolled. */
#pragma once
#include "types.h"

struct oh_sip {
	__u64 v0, v1, v2, v3;
};

OH_INLINE __u64 sip_rotate(__u64 x, __u32 by)
{
	return x << by | x >> (64 - by);
}

OH_INLINE void sip_round(struct oh_sip *s)
{
	s->v0 += s->v1;
	s->v1 = sip_rotate(s->v1, 13) ^ s->v0;
	s->v0 = sip_rotate(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = sip_rotate(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = sip_rotate(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = sip_rotate(s->v1, 17) ^ s->v2;
	s->v2 = sip_rotate(s->v2, 32);
}

OH_INLINE void sip_word(struct oh_sip *s, __u64 word)
{
	s->v3 ^= word;
	sip_round(s);
	sip_round(s);
	s->v0 ^= word;
}

/* Of `count` words, a constant; as if they were read little-endian. */
OH_INLINE __u64 siphash(const __u64 *words, __u32 count, const oh_secret *key)
{
	struct oh_sip s = {
		.v0 = key->k[0] ^ 0x736f6d6570736575ULL, .v1 = key->k[1] ^ 0x646f72616e646f6dULL,
		.v2 = key->k[0] ^ 0x6c7967656e657261ULL, .v3 = key->k[1] ^ 0x7465646279746573ULL,
	};

#pragma unroll
	for (__u32 i = 0; i < count; i++)
		sip_word(&s, words[i]);
	sip_word(&s, (__u64)(count * 8) << 56);
	s.v2 ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

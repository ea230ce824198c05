/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Questions and answers of learning, on the wire. docs/learning.md describes every byte; core/src/packet/learning.ts too. */
#pragma once
#include "types.h"
#include "eth.h"
#include "ip.h"
#include "siphash.h"
#include "vxlan.h"

#define OH_MESSAGE_VERSION 2
#define OH_MAX_HOPS 3

enum oh_message {
	OH_MESSAGE_ASK = 1,
	OH_MESSAGE_TEACH,
	OH_MESSAGE_ABSENT,
	OH_MESSAGE_UNKNOWN,
	OH_MESSAGE_MAX,
};

/* All integers big-endian. */
struct oh_message_head {
	__u8 version;
	__u8 kind;		/* enum oh_message */
	__u8 hops;		/* of a question: times it was passed on */
	__u8 zero;
	__be32 key_version;
	__be32 vpc;
	__be32 asker;		/* hosts by number */
	__be32 teller;		/* 0 in a question */
	__be32 sequence;	/* the claim: the entry's in a question (0: none), the port's in an answer */
	__be64 nonce;
	oh_addr address;	/* zero: a probe */
	oh_uuid port;
	__be64 revision;
	__be32 epoch;
	__be32 roster;		/* of the teller, where it says whether it has an address; else 0 */
};

#define OH_MESSAGE_WORDS (sizeof(struct oh_message_head) / 8)

struct oh_message_body {
	struct oh_message_head head;
	__u64 tag;		/* of the head, little-endian */
};

/*
 * Follows, and is not read: what is left of the guest's headers when its packet becomes a question. A device that was to
 * fill in the guest's checksum writes it here, and not into the message.
 */
#define OH_MESSAGE_TAIL 40

struct oh_envelope {
	struct oh_ip ip;
	struct oh_udp udp;
};

#define OH_MESSAGE_LEN (sizeof(struct oh_envelope) + sizeof(struct oh_message_body) + OH_MESSAGE_TAIL)

OH_INLINE int is_probe(const struct oh_message_head *m)
{
	const __u64 *half = (const __u64 *)&m->address;

	return !half[0] && !half[1];
}

/* Of the kinds that its host's roster stands beside. */
OH_INLINE int has_roster(const struct oh_message_head *m)
{
	return (m->kind == OH_MESSAGE_TEACH || m->kind == OH_MESSAGE_ABSENT) && !is_probe(m);
}

/* A function of its own, so that the verifier walks it once. */
__attribute__((noinline)) __u64 message_tag(const struct oh_message_head *head, const oh_secret *key)
{
	if (!head || !key)
		return 0;
	return siphash((const __u64 *)head, OH_MESSAGE_WORDS, key);
}

/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* What authenticates the questions and answers about a VPC: known to the hosts that serve it. */
#pragma once
#include "../lib/types.h"
#include "vpc_rules.h"

struct vpc_keys {
	__u32 version;		/* of the current one, which signs */
	__u32 former_version;	/* accepted as well; 0: none */
	oh_secret current;
	oh_secret former;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct vpc_key);
	__type(value, struct vpc_keys);
} vpc_keys_v1 SEC(".maps");

OH_INLINE const struct vpc_keys *vpc_keys_lookup(oh_vni vpc)
{
	struct vpc_key key = { .vpc = vpc };

	return bpf_map_lookup_elem(&vpc_keys_v1, &key);
}

/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Of a host that is a hub of any VPC: until when its tables are what the controllers have. */
#pragma once
#include "../lib/types.h"

struct hub_sync {
	oh_ns until;		/* the agent renews it while it hears a controller; the kernel's monotonic clock */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hub_sync);
} hub_sync_v1 SEC(".maps");

OH_INLINE int hub_is_synced(void)
{
	__u32 zero = 0;
	const struct hub_sync *sync = bpf_map_lookup_elem(&hub_sync_v1, &zero);

	return sync && bpf_ktime_get_coarse_ns() < sync->until;
}

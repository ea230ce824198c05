/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* What was decided about the last packet; written only where cfg_record is set. A test run performs no redirect. */
#pragma once
#include "../lib/types.h"

enum oh_action {
	OH_ACTION_NONE = 0,
	OH_ACTION_DROP,
	OH_ACTION_GUEST,	/* to the guest of slot */
	OH_ACTION_HOST,		/* encapsulated, to host */
	OH_ACTION_REPLY,	/* answered to where it came from */
	OH_ACTION_STACK,	/* left to the host's own network stack */
	OH_ACTION_ASK,		/* became a question to host; its clone goes the packet's way, with a mark */
	OH_ACTION_LEARNED,	/* an answer, taken in */
};

struct decision {
	__u32 action;		/* enum oh_action */
	__u32 reason;		/* enum oh_drop; also set where an ICMP error was sent instead */
	__u32 class;		/* enum oh_class */
	__u32 stage;		/* enum oh_stage that ended the packet */
	oh_slot slot;
	oh_host host;
	oh_ifindex ifindex;	/* device the packet was redirected to */
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct decision);
} decision_v1 SEC(".maps");

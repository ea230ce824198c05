/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Removes learned entries that nobody uses: a timer in the kernel, so that it goes on with the agent dead. */
#pragma once
#include "../maps/config.h"
#include "../maps/learned.h"
#include "../maps/limits.h"
#include "../maps/sweeper.h"
#include "../maps/vpc_rules.h"

#define OH_SWEEP (10 * OH_SECOND)
#define OH_AGE 300		/* seconds, where the agent says nothing else */
#define OH_AGE_CROWDED 10	/* of a VPC whose part of the table is nearly full */
#define OH_CLOCK_MONOTONIC 1

OH_INLINE __u32 learned_age(void)
{
	return cfg_learned_age ?: OH_AGE;
}

OH_INLINE int is_crowded(const struct learned_use *use, const struct vpc_rules *rules)
{
	return use && rules && rules->max_learned && use->entries >= rules->max_learned - rules->max_learned / 8;
}

static long begin_count(void *map, const void *key, struct learned_use *use, void *none)
{
	use->counting = 0;
	return 0;
}

static long end_count(void *map, const void *key, struct learned_use *use, void *none)
{
	use->entries = use->counting;
	return 0;
}

static long sweep_entry(void *map, struct destination_key *key, struct learned *l, void *none)
{
	struct vpc_key vpc = { .vpc = key->vpc };
	struct learned_use *use = bpf_map_lookup_elem(&learned_use_v1, &vpc);
	/* Signed: another processor may use it now. */
	__s64 age = learned_age() * OH_SECOND, unused = bpf_ktime_get_coarse_ns() - l->used;
	int crowded = is_crowded(use, vpc_rules_lookup(vpc.vpc));

	if (unused >= age || (crowded && unused >= (__s64)(OH_AGE_CROWDED * OH_SECOND))) {
		struct destination_key gone = *key;

		bpf_map_delete_elem(&learned_v1, &gone);
		if (use && unused >= age)
			use->aged++;
		else if (use)
			use->evicted++;
	} else if (use) {
		use->counting++;
	}
	return 0;
}

static int sweep(void *map, __u32 *key, struct sweeper *sweeper)
{
	bpf_for_each_map_elem(&learned_use_v1, begin_count, 0, 0);
	bpf_for_each_map_elem(&learned_v1, sweep_entry, 0, 0);
	bpf_for_each_map_elem(&learned_use_v1, end_count, 0, 0);
	sweeper->swept = bpf_ktime_get_coarse_ns();
	bpf_timer_start(&sweeper->timer, OH_SWEEP, 0);
	return 0;
}

/*
 * Called for each new entry; starts the timer where it does not run, or runs the code of a program with another age, and
 * gives it this program's.
 */
OH_INLINE void start_sweeper(void)
{
	__u32 zero = 0;
	struct sweeper *sweeper = bpf_map_lookup_elem(&sweeper_v2, &zero);
	oh_ns now = bpf_ktime_get_coarse_ns();

	if (!sweeper)
		return;
	if (sweeper->swept && sweeper->age == learned_age() && now - sweeper->swept < 3 * OH_SWEEP)
		return;
	sweeper->swept = now;
	sweeper->age = learned_age();
	bpf_timer_init(&sweeper->timer, &sweeper_v2, OH_CLOCK_MONOTONIC);
	bpf_timer_set_callback(&sweeper->timer, sweep);
	bpf_timer_start(&sweeper->timer, OH_SWEEP, 0);
}

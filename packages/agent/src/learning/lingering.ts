import { VniKind } from "@onehop/datapath/maps.gen";
import { type Entries, NO_IP, NO_MAC } from "../lower/index.ts";
import type { Mirror } from "../reconcile/mirror.ts";

/** As long as others may hold learned entries that lead here: they age in 300 s, unused. */
const LINGER_MS = 300_000;

/**
 * VPCs that learn and whose last port left this host: it goes on to answer "not here" and to pass packets on, for which
 * it needs the key. What the kernel has of them is kept for a while, so that a new agent goes on with it.
 */
export class Lingering {
  /** When each VPC (its VNI) was seen to have left. */
  readonly #left = new Map<number, number>();

  /** Adds to what is wanted what is to be kept. */
  keep(entries: Entries, mirror: Mirror, now: number): void {
    for (const vpc of this.#left.keys()) if (entries.vpc_rules.rows.has(String(vpc))) this.#left.delete(vpc);
    for (const [text, [key, rules]] of mirror.table("vpc_rules").actual()) {
      if (entries.vpc_rules.rows.has(text)) continue;
      const since = this.#left.get(key.vpc) ?? now;
      this.#left.set(key.vpc, since);
      const keys = mirror.table("vpc_keys").actual().get(text)?.[1];
      if (now - since >= LINGER_MS || !keys || !isFree(key.vpc, entries)) continue;
      entries.vpc_rules.add(key, { ...rules, is_hub: 0, fits: 0 });
      entries.vpc_keys.add(key, keys);
      entries.vnis.add({ vni: key.vpc }, { vpc: key.vpc, kind: VniKind.VPC, gateway: NO_IP, gateway_mac: NO_MAC });
    }
  }
}

/** A VPC that is served again and learns no more, or another user of its VNI, is not to be disturbed. */
const isFree = (vni: number, { vnis }: Entries): boolean => !vnis.rows.has(String(vni));

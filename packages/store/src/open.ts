import type { Clock } from "./clock.ts";
import { EtcdStore } from "./etcd/etcd_store.ts";
import type { StoreTls } from "./etcd/transport.ts";
import { MemoryStore } from "./memory/memory_store.ts";
import type { Store } from "./store.ts";

/**
 * The store that `url` names: `memory:` (this process only), `etcd:https://192.0.2.1:2379[,https://…]` (a cluster; `tls`
 * goes with https) or `etcd:unix:/path` (what startEtcd answers). Connects at the first call. Throws RangeError for other
 * texts.
 */
export function openStore(url: string, options: { readonly clock?: Clock; readonly tls?: StoreTls } = {}): Store {
  if (url === "memory:") return new MemoryStore(options);
  if (url.startsWith("etcd:")) return new EtcdStore(url.slice("etcd:".length), options);
  throw new RangeError(`${url.slice(0, 80)}: a store is memory: or etcd:http://127.0.0.1:2379[,…] or etcd:unix:/path`);
}

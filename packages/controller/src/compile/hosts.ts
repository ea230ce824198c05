import type { Host, HostsSlice, Intent, KnownHost } from "@onehop/core";

/** Every host of the region, by number. */
export function compileHosts(intent: Intent): HostsSlice {
  const hosts = [...intent.hosts.values()].map(knownHost);
  return { type: "hosts", hosts: hosts.sort((a, b) => a.number - b.number) };
}

const made = new WeakMap<Host, KnownHost>();

/** The same object for the same host: what was hashed of it holds on. */
function knownHost(host: Host): KnownHost {
  const { id, name, number, tunnel_address, kind } = host;
  const known = made.get(host) ?? { id, name, number, tunnel_address, kind };
  made.set(host, known);
  return known;
}

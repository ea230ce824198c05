import type { HostsSlice, Intent } from "@onehop/core";

/** Every host of the region, by number. */
export function compileHosts(intent: Intent): HostsSlice {
  const hosts = [...intent.hosts.values()].map(({ id, name, number, tunnel_address, kind }) => ({
    id,
    name,
    number,
    tunnel_address,
    kind,
  }));
  return { type: "hosts", hosts: hosts.sort((a, b) => a.number - b.number) };
}

import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import { usage } from "./exit.ts";

export interface Underlay {
  readonly uplinks: readonly string[];
  readonly tunnelAddress: string;
}

type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/** What a machine with one network needs nobody to tell: the device of the default route, and that device's address. */
export function underlayOf(
  given: { readonly uplinks?: readonly string[] | undefined; readonly tunnelAddress?: string | undefined },
  machine: { readonly routes: string; readonly interfaces: Interfaces },
): Underlay {
  const uplinks = given.uplinks ?? defaultDevices(machine.routes);
  if (uplinks.length === 0)
    throw usage("This machine has no default route.", "name the underlay's device with --uplink.");
  const address = given.tunnelAddress ?? addressOf(machine.interfaces, uplinks[0]!);
  if (!address) throw usage(`${uplinks[0]} has no IPv4 address.`, "give the tunnels' address with --tunnel-address.");
  return { uplinks, tunnelAddress: address };
}

/** Devices of default routes in /proc/net/route (proc(5)): destination and mask all zero. */
function defaultDevices(routes: string): string[] {
  const rows = routes
    .split("\n")
    .slice(1)
    .map((line) => line.split("\t"));
  const devices = rows.filter((r) => r[1] === "00000000" && r[7] === "00000000").map((r) => r[0]!.trim());
  return [...new Set(devices)];
}

const addressOf = (interfaces: Interfaces, device: string): string | undefined =>
  interfaces[device]?.find((a) => a.family === "IPv4")?.address;

export const thisMachine = (routes: string) => ({ routes, interfaces: networkInterfaces() as Interfaces });

import { check, TraceBody } from "@onehop/api";
import {
  type At,
  invalid,
  type Network,
  nounOf,
  OnehopError,
  type Port,
  parseIpv4,
  type TraceRequest,
} from "@onehop/core";
import type { Store } from "@onehop/store";
import { getOne } from "../api/read.ts";
import { refuseBody } from "../api/refusals.ts";
import type { Caller } from "../auth/caller.ts";
import { type Imagined, sizesOf } from "./packets.ts";

const checkTrace = check(TraceBody);

/** The packet that a body asks about. Throws 400, 404, or 409 where the port is bound to no host. */
export async function imaginedOf(store: Store, caller: Caller, body: unknown, id: number): Promise<Imagined> {
  refuseBody(checkTrace(body));
  const request = body as TraceRequest;
  const port = await boundPort(store, caller, request.port_id);
  const network = (await getOne({ store, caller, noun: nounOf("network") }, port.network_id)) as unknown as At<Network>;
  const address = request.to === "gateway" ? network.gateway : request.to;
  if (parseIpv4(address) === undefined) throw invalid("/to", "must be an IPv4 address, or gateway");
  const protocol = request.protocol ?? "icmp";
  checkPort(request);
  checkSize(request);
  return { port, network, address, protocol, dport: request.port ?? 0, size: request.size, id };
}

export async function boundPort(store: Store, caller: Caller, id: string): Promise<Port> {
  const port = (await getOne({ store, caller, noun: nounOf("port") }, id)) as unknown as Port;
  if (port.host_id) return port;
  throw new OnehopError({
    code: "not_bound",
    status: 409,
    message: `The port ${port.name} is bound to no host, so nothing carries its packets.`,
    hint: "onehop port bind",
  });
}

function checkPort({ protocol = "icmp", port }: TraceRequest): void {
  const has = protocol === "tcp" || protocol === "udp";
  if (has && port === undefined) throw invalid("/port", `is needed for ${protocol}`);
  if (!has && port !== undefined) throw invalid("/port", `is none of ${protocol}`);
}

function checkSize({ protocol = "icmp", size }: TraceRequest): void {
  if (size === undefined) return;
  if (protocol === "arp") throw invalid("/size", "is none of arp");
  const [least, most] = sizesOf(protocol);
  if (size < least || size > most) throw invalid("/size", `must be a number from ${least} to ${most} for ${protocol}`);
}

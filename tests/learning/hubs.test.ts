/** What only hubs know, and answers that come in by another uplink: on real kernels, with a plain VXLAN peer. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { LearnedList } from "@onehop/core";
import { type Guest, inNamespace, ipBatch, Lab, run, until } from "@onehop/lab";
import { ping } from "@onehop/lab/traffic/ping";
import { PEER_TUNNEL, PlainPeer } from "@onehop/testkit/netns/plain_peer";
import { afterAll, beforeAll, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MACHINE = { address: "10.0.3.77", mac: "0a:00:00:00:03:77" };
const address = (n: number): string => `10.0.${n}.10`;

const network = (n: number): string =>
  `{apiVersion: onehop/v1, kind: Network, metadata: {name: n${n}, project: hubs, vpc: v}, spec: {cidr: 10.0.${n}.0/24}}`;
const port = (name: string, n: number, spec: string): string =>
  `{apiVersion: onehop/v1, kind: Port, metadata: {name: ${name}, project: hubs, vpc: v, network: n${n}}, spec: {${spec}}}`;
const guest = (n: number, more = ""): string =>
  port(`g${n}`, n, `addresses: [${address(n)}], host: h${n}, device: {kind: veth, namespace: g${n}}${more}`);

const FILE = [
  "{apiVersion: onehop/v1, kind: Project, metadata: {name: hubs}, spec: {}}",
  "{apiVersion: onehop/v1, kind: Vpc, metadata: {name: v, project: hubs}, spec: {cidrs: [10.0.0.0/16]}}",
  ...[1, 2, 3].map(network),
  guest(1, ", allowed_addresses: [172.16.0.0/12]"),
  guest(2),
  port("machine", 3, `addresses: [${MACHINE.address}], mac: "${MACHINE.mac}", host: peer`),
].join("\n---\n");

let lab: Lab;
let guests: readonly Guest[];
let peer: PlainPeer;
const spaceOf = (n: number): string => guests.find((g) => g.port === `g${n}`)!.namespace;
const talk = (to: string, from = spaceOf(1)) => ping({ namespace: from, to, count: 5, intervalMs: 5 });

beforeAll(async () => {
  await run([`${ROOT}/tools/setup.sh`]);
  lab = await Lab.up({ hosts: 4, hubs: 2, uplinks: 2 });
  await lab.client.create("hosts", { name: "peer", kind: "vxlan-peer", tunnel_address: PEER_TUNNEL });
  await lab.apply(FILE);
  await lab.realised();
  guests = await lab.guests();
  const { vni } = (await lab.client.list("networks")).find((n) => n.name === "n3") as unknown as { vni: number };
  peer = await PlainPeer.build(lab, { vni, ...MACHINE, address: `${MACHINE.address}/24`, gateway: "10.0.3.1" });
});
afterAll(() => lab?.close());

async function listener(n: number): Promise<{ readonly child: ChildProcess; readonly heard: Promise<string> }> {
  const [command, ...args] = inNamespace(spaceOf(n), ["socat", "-u", "UDP-RECV:5000", "STDOUT"]);
  const child = spawn(command!, args);
  const heard = new Promise<string>((resolve) => child.stdout.once("data", (d: Buffer) => resolve(d.toString())));
  const open = inNamespace(spaceOf(n), ["ss", "-Hlun", "sport", "=", ":5000"]);
  await until("the listener to be there", async () => (await run(open)).includes(":5000") || undefined);
  return { child, heard };
}

test("a new pair whose source is one of the port's allowed addresses is carried by a hub, and learned", async () => {
  await ipBatch(["address add 172.16.5.5/32 dev lo"], spaceOf(1));
  const { child, heard } = await listener(2);
  try {
    const send = ["socat", "-u", "STDIN", `UDP-SENDTO:${address(2)}:5000,bind=172.16.5.5`];
    await run(inNamespace(spaceOf(1), send), { input: "from a further source" });
    expect(await heard).toBe("from a further source");
  } finally {
    child.kill();
  }
  const { items } = (await lab.client.request("GET", "/v1/learned")).body as LearnedList;
  expect(items.map((i) => `${i.at.name} ${i.address} ${i.teacher.name}`)).toEqual([`h1 ${address(2)} h2`]);
});

test("a plain peer's port in a network that the sender's host does not serve is reached by a hub, and answers", async () => {
  expect(await talk(MACHINE.address)).toMatchObject({ sent: 5, received: 5, ttls: [63] });
  expect(await talk(address(1), peer.guest)).toMatchObject({ sent: 5, received: 5 });
});

test("the gateways of networks that the sender's host does not serve answer", async () => {
  for (const gateway of ["10.0.2.1", "10.0.3.1"])
    expect(await talk(gateway)).toMatchObject({ sent: 5, received: 5, ttls: [64] });
});

interface Link {
  readonly ifname: string;
  readonly stats64: { readonly rx: { readonly packets: number }; readonly tx: { readonly packets: number } };
}

test("answers that come in by another uplink than the questions left by are as good", async () => {
  const { namespace, uplinks, tunnelAddress } = lab.host("h1");
  const [out, back] = uplinks as [(typeof uplinks)[0], (typeof uplinks)[0]];
  await ipBatch([`route replace default src ${tunnelAddress} via ${out.routerAddress} dev ${out.device}`], namespace);
  const toHost = `route replace ${tunnelAddress}/32 via ${back.address} dev ${back.routerDevice}`;
  await ipBatch([toHost], lab.fabric.namespace);
  const packets = async () => {
    const links = JSON.parse(await run(["ip", "-n", namespace, "-j", "-s", "link", "show"])) as Link[];
    const of = (device: string) => links.find((l) => l.ifname === device)!.stats64;
    return { in: of(out.device).rx.packets, sent: of(back.device).tx.packets };
  };
  // Until the agent has seen the new route.
  await until("everything to leave by one uplink", async () => {
    const before = await packets();
    await talk(address(2));
    return (await packets()).sent === before.sent || undefined;
  });
  const before = await packets();
  const { items } = (await lab.client.request("GET", "/v1/learned")).body as LearnedList;
  expect(items.some((i) => i.at.name === "h1" && i.teacher.name === "h2" && !i.silent)).toBe(true);
  expect(await ping({ namespace: spaceOf(1), to: address(2), count: 30, intervalMs: 50 })).toMatchObject({
    received: 30,
  });
  expect(await packets()).toEqual(before);
  const ways = async () => ((await lab.client.request("GET", "/v1/learned")).body as LearnedList).ways[0]!;
  const { by_hub } = await ways();
  expect(await talk(address(2))).toMatchObject({ received: 5 });
  expect((await ways()).by_hub).toBe(by_hub);
});

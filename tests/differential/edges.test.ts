import { packet } from "@onehop/core";
import { Class } from "@onehop/datapath/maps.gen";
import { ALL_PUSHED } from "@onehop/model";
import { compare } from "@onehop/testkit/differential/compare";
import { GUEST_RECIPES } from "@onehop/testkit/differential/guest_recipes";
import { Region } from "@onehop/testkit/differential/region";
import { ALL_ONES, type Case, runnable, Scene } from "@onehop/testkit/differential/scene";
import { UPLINK_RECIPES } from "@onehop/testkit/differential/uplink_recipes";
import { IntentBuilder } from "@onehop/testkit/intent_builder";
import { Random } from "@onehop/testkit/topologies/random";
import { randomTopology } from "@onehop/testkit/topologies/topology";
import { afterAll, beforeAll, expect, test } from "vitest";

const { frame, eth, arp, ipv4, udp } = packet;
const MTU = 1450;
/** As often as the differential test wants what random packets bring about. */
const OFTEN = 500;

const b = new IntentBuilder();
const h1 = b.host({ number: 1, tunnel_address: "192.0.2.1" });
const vpc = b.vpc({ cidrs: ["10.0.0.0/16"], vni: 5000 });
const network = b.network(vpc, { cidr: "10.0.1.0/24", gateway: "10.0.1.1", vni: 5001 });
const at = (n: number, more = {}) =>
  b.port(network, { addresses: [`10.0.1.${n}`], mac: `0a:00:00:00:00:${n}`, host_id: h1.id, ...more });
const [loud, quiet] = [at(11), at(12)];
const lost = at(13, { device: undefined });
const intent = b.build();
let region: Region;
beforeAll(() => {
  region = new Region([h1]);
});
afterAll(() => region.close());

const whoHas = (port: typeof loud) =>
  frame(
    eth({ src: port.mac, dst: ALL_ONES }),
    arp({ sender_mac: port.mac, sender_ip: port.addresses[0]!, target_ip: "10.0.1.1" }),
  );

test("D9: a port's flood of ARP ends at its limit, costs another port nothing, and leaves its other classes alone", () => {
  region.apply(intent, MTU + 50, { arp: { rate: 1, burst: 8 } });
  const flood = Array.from({ length: OFTEN + 100 }, () => region.send(h1.id, loud.id, whoHas(loud)));
  const limited = flood.filter((v) => v.reason === "class_limit");
  expect(flood.slice(0, 8).map((v) => v.action)).toEqual(Array(8).fill("reply"));
  expect(limited.length).toBeGreaterThan(OFTEN);
  expect(limited[0]).toMatchObject({ action: "drop", class: "arp", frame: whoHas(loud) });
  expect(region.send(h1.id, quiet.id, whoHas(quiet)).action).toBe("reply");
  const data = frame(eth({ src: loud.mac, dst: quiet.mac }), ipv4({ src: "10.0.1.11", dst: "10.0.1.12" }), udp());
  expect(region.send(h1.id, loud.id, data).action).toBe("guest");
  expect(region.counters(h1.id, loud.id).class_packets[Class.ARP]).toBe(OFTEN + 100);
});

test("A device without a port, and a port without a device, drop with their reasons", () => {
  region.apply(intent, MTU + 50);
  const unbound = "00000000-0000-4000-8000-00000000ffff";
  const f = frame(eth({ src: loud.mac, dst: lost.mac }), ipv4({ src: "10.0.1.11", dst: "10.0.1.13" }), udp());
  for (let i = 0; i < OFTEN; i++) {
    expect(region.send(h1.id, unbound, whoHas(loud))).toMatchObject({ action: "drop", reason: "unknown_port" });
    expect(region.send(h1.id, loud.id, f)).toMatchObject({ action: "drop", reason: "device_gone", frame: f });
  }
});

test("Every frame of every kind, cut at every byte, is dropped with a reason and unchanged, or carried as a whole one", () => {
  const random = new Random(1);
  const { intent } = randomTopology(random);
  const all = new Region([...intent.hosts.values()].filter((h) => h.kind === "onehop"));
  try {
    all.apply(intent, MTU + 50);
    const scene = new Scene(intent, random, MTU);
    const bad: string[] = [];
    let tried = 0;
    for (const recipe of [...Object.values(GUEST_RECIPES), ...Object.values(UPLINK_RECIPES)]) {
      const whole = sample(scene, recipe);
      for (let length = 14; length <= whole.frame.length; length++) {
        const cut: Case = { ...whole, frame: whole.frame.slice(0, length) };
        if (!runnable(cut.frame)) continue;
        const { lines } = compare(intent, all, cut, { mtu: MTU, known: ALL_PUSHED });
        if (lines.length > 0) bad.push(`${whole.recipe} cut to ${length}: ${lines.join("; ")}`);
        tried++;
      }
    }
    expect(bad.slice(0, 20)).toEqual([]);
    expect(tried).toBeGreaterThan(5000);
  } finally {
    all.close();
  }
});

/** The recipe's next packet; some turns have nothing to make it of. */
function sample(scene: Scene, recipe: (s: Scene) => Case | undefined): Case {
  for (let turn = 0; turn < 1000; turn++) {
    const c = recipe(scene);
    if (c) return c;
  }
  throw new Error("the recipe makes nothing of this topology");
}

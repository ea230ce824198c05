import type { Lab } from "@onehop/lab";
import { type Spread, spreadOf } from "./report/statistics.ts";

/** Figures of controller, store and agents together; no packet of a guest waits for any of them. */
export interface ControlPlane {
  /** From the request to the port's being realised on its host. */
  readonly port_realised_ms: Spread;
  readonly read_ms: Spread;
}

const PORTS = 10;
const READS = 50;

/** Makes ports on h1 one after the other, and takes them away again. */
export async function measureControlPlane(lab: Lab): Promise<ControlPlane> {
  const [host] = await lab.client.list("hosts", { name: "h1" });
  const networks = await lab.client.list("networks");
  const network = networks.find(({ name }) => name === "front")!;
  const realised: number[] = [];
  for (let i = 0; i < PORTS; i++) {
    const name = `control-${i}`;
    const device = { kind: "veth" as const, namespace: lab.namespaceOf(name) };
    const start = performance.now();
    const port = await lab.client.create("ports", { name, network_id: network.id, host_id: host!.id, device });
    await lab.client.request("GET", `/v1/ports/${port.id}?wait_for=realised&timeout_s=20`);
    realised.push(performance.now() - start);
    await lab.client.request("DELETE", `/v1/ports/${port.id}`);
  }
  const reads: number[] = [];
  for (let i = 0; i < READS; i++) {
    const start = performance.now();
    await lab.client.get("networks", network.id);
    reads.push(performance.now() - start);
  }
  return { port_realised_ms: spreadOf(realised)!, read_ms: spreadOf(reads)! };
}

import { fileURLToPath } from "node:url";
import type { LearnedList, WayAnswer } from "@onehop/core";
import { type Guest, inNamespace, Lab, run, until } from "@onehop/lab";

const ONEHOP = fileURLToPath(new URL("../../bin/onehop", import.meta.url));

const guestDocument = (n: number): string => `
{apiVersion: onehop/v1, kind: Network, metadata: {name: n${n}, project: learn, vpc: v}, spec: {cidr: 10.0.${n}.0/24}}
---
apiVersion: onehop/v1
kind: Port
metadata: {name: g${n}, project: learn, vpc: v, network: n${n}}
spec: {addresses: [${addressOf(n)}], host: h${n}, device: {kind: veth, namespace: g${n}}}`;

export const addressOf = (n: number): string => `10.0.${n}.10`;

/** A VPC of three networks, with a guest of each on a host of its own, h1 to h3. */
export const FILE = `
{apiVersion: onehop/v1, kind: Project, metadata: {name: learn}, spec: {}}
---
{apiVersion: onehop/v1, kind: Vpc, metadata: {name: v, project: learn}, spec: {cidrs: [10.0.0.0/16]}}
---${[1, 2, 3].map(guestDocument).join("\n---")}
`;

interface Datapath {
  readonly tables: Readonly<Record<string, number>>;
  readonly messages: Readonly<Record<string, number>>;
  /** By VNI. */
  readonly learned: Readonly<Record<string, unknown>>;
}

/** A lab that learns: h1 to h3 have guests; the last two, h4 and h5 unless there are more, are hubs and nothing else. */
export class LearningLab {
  readonly lab: Lab;
  #guests: readonly Guest[] = [];

  private constructor(lab: Lab) {
    this.lab = lab;
  }

  static async up(hosts = 5): Promise<LearningLab> {
    const lab = await Lab.up({ hosts, hubs: 2 });
    const learning = new LearningLab(lab);
    try {
      await lab.apply(FILE);
      await lab.realised();
      learning.#guests = await lab.guests();
      return learning;
    } catch (error) {
      await lab.close();
      throw error;
    }
  }

  guest(n: number): Guest {
    return this.#guests.find((g) => g.port === `g${n}`)!;
  }

  /** The command as it is typed; all that it said. */
  onehop(...words: readonly string[]): Promise<string> {
    return run(["env", `ONEHOP_URL=${this.lab.url}`, "sh", "-c", 'exec "$@" 2>&1', "sh", ONEHOP, ...words]);
  }

  async learned(): Promise<LearnedList> {
    return (await this.lab.client.request("GET", "/v1/learned")).body as LearnedList;
  }

  /** Addresses that a host learned, sorted. */
  async entriesOf(host: string): Promise<string[]> {
    const { items } = await this.learned();
    return items
      .filter((i) => i.at.name === host)
      .map((i) => `${i.address} at ${i.teacher.name}`)
      .sort();
  }

  async way(from: number, to: string): Promise<WayAnswer> {
    const body = { port_id: this.guest(from).port_id, to };
    return (await this.lab.client.request("POST", "/v1/why", body)).body as WayAnswer;
  }

  /** Packets of the VPC's guests to other hosts, so far. */
  async ways(): Promise<{ readonly direct: number; readonly by_hub: number }> {
    return (await this.learned()).ways[0] ?? { direct: 0, by_hub: 0 };
  }

  /** What a host's kernel holds. */
  async datapath(host: string): Promise<Datapath> {
    const { id } = (await this.lab.client.list("hosts")).find((h) => h.name === host)!;
    return (await this.lab.client.request("GET", `/v1/hosts/${id}/datapath`)).body as Datapath;
  }

  /** Questions and answers of all hosts, by what came of them. */
  async messages(): Promise<number> {
    const all = await Promise.all(this.lab.hosts.map((host) => this.datapath(host.name)));
    return all.flatMap(({ messages }) => Object.values(messages)).reduce((sum, n) => sum + n, 0);
  }

  /** Cuts a host off from the underlay, or puts it back. */
  async uplinks(host: string, state: "up" | "down"): Promise<void> {
    const { namespace, uplinks } = this.lab.host(host);
    for (const { device, routerAddress } of uplinks) {
      await run(inNamespace(namespace, ["ip", "link", "set", device, state]));
      if (state === "up")
        await run(
          inNamespace(namespace, [
            "ip",
            "route",
            "replace",
            "default",
            "via",
            routerAddress,
            "src",
            this.lab.host(host).tunnelAddress,
          ]),
        );
    }
  }

  /** Moves a guest's port, with its address; the guest is a new one of the same name there. */
  async move(n: number, host: string): Promise<void> {
    await this.lab.client.patch("ports", this.guest(n).port_id, await this.#placeAt(n, host));
    await this.#realised();
  }

  /** Another port with the address that a guest's port had, deleted by now; with a guest of the same name. */
  async succeed(n: number, host: string): Promise<void> {
    const { network_id } = this.guest(n);
    const place = await this.#placeAt(n, host);
    await this.lab.client.create("ports", { name: `g${n}`, network_id, addresses: [addressOf(n)], ...place });
    await this.#realised();
  }

  async #placeAt(n: number, host: string) {
    const { id } = (await this.lab.client.list("hosts")).find((h) => h.name === host)!;
    return { host_id: id, device: { kind: "veth", namespace: this.lab.namespaceOf(`g${n}-at-${host}`) } };
  }

  async #realised(): Promise<void> {
    await this.lab.realised();
    this.#guests = await this.lab.guests();
  }

  confirmed(): Promise<unknown> {
    return until("everything learned to be confirmed", async () => {
      const { items } = await this.learned();
      return (items.length > 0 && items.every((i) => i.confirmed)) || undefined;
    });
  }
}

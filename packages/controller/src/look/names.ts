import type { At, Host, Intent, Kind, Network, Port, Route, TraceEnd, TraceObject, Vpc } from "@onehop/core";

/** The maps of Intent that names are found in. */
export type Named = Pick<Intent, "projects" | "hosts" | "vpcs" | "networks" | "ports" | "routes">;

/** Finds the object that a number or an address in a table stands for. */
export class Names {
  readonly intent: Named;
  constructor(intent: Named) {
    this.intent = intent;
  }

  port = (id: string | undefined): TraceObject | undefined => this.#object("port", this.intent.ports, id);
  host = (id: string | undefined): TraceObject | undefined => this.#object("host", this.intent.hosts, id);
  vpc = (id: string | undefined): TraceObject | undefined => this.#object("vpc", this.intent.vpcs, id);
  network = (id: string | undefined): TraceObject | undefined => this.#object("network", this.intent.networks, id);
  project = (id: string | undefined): TraceObject | undefined => this.#object("project", this.intent.projects, id);

  hostByNumber(number: number): At<Host> | undefined {
    return find(this.intent.hosts, (h) => h.number === number);
  }
  hostByTunnel(address: string): At<Host> | undefined {
    return find(this.intent.hosts, (h) => h.tunnel_address === address);
  }
  vpcByVni(vni: number): At<Vpc> | undefined {
    return find(this.intent.vpcs, (v) => v.vni === vni);
  }
  networkByVni(vni: number): At<Network> | undefined {
    return find(this.intent.networks, (n) => n.vni === vni);
  }
  portByAddress(vpcId: string, address: string): At<Port> | undefined {
    return find(this.intent.ports, (p) => p.vpc_id === vpcId && p.addresses.includes(address));
  }
  portByMac(networkId: string, mac: string): At<Port> | undefined {
    return find(this.intent.ports, (p) => p.network_id === networkId && p.mac === mac);
  }
  routeTo(vpcId: string, destination: string): At<Route> | undefined {
    return find(this.intent.routes, (r) => r.vpc_id === vpcId && r.destination === destination);
  }

  /** A port with everything that it belongs to. */
  end(address: string, port: Port | undefined): TraceEnd {
    if (!port) return { address };
    return {
      address,
      ...compact({
        port: ref("port", port),
        network: this.network(port.network_id),
        vpc: this.vpc(port.vpc_id),
        project: this.project(port.project_id),
        host: this.host(port.host_id),
      }),
    };
  }

  #object(kind: Kind, things: ReadonlyMap<string, { id: string; name: string }>, id: string | undefined) {
    if (id === undefined) return undefined;
    const thing = things.get(id);
    return thing && ref(kind, thing);
  }
}

export const ref = (kind: Kind, { id, name }: { readonly id: string; readonly name: string }): TraceObject => ({
  kind,
  id,
  name,
});

type Compact<T> = { [K in keyof T]?: Exclude<T[K], undefined> };
/** Without what is not there. */
export const compact = <T extends object>(object: T): Compact<T> =>
  Object.fromEntries(Object.entries(object).filter(([, v]) => v !== undefined)) as Compact<T>;

function find<T>(things: ReadonlyMap<string, T>, test: (thing: T) => boolean): T | undefined {
  for (const thing of things.values()) if (test(thing)) return thing;
  return undefined;
}

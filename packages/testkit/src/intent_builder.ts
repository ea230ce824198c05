import type { At, Host, Intent, Network, Port, Route, Vpc } from "@onehop/core";

/** Makes an Intent by hand, object by object, with ids that count up. For tests of the pure functions over Intent. */
export class IntentBuilder {
  #count = 0;
  readonly #intent = {
    revision: 1,
    projects: new Map(),
    hosts: new Map<string, At<Host>>(),
    vpcs: new Map<string, At<Vpc>>(),
    networks: new Map<string, At<Network>>(),
    ports: new Map<string, At<Port>>(),
    routes: new Map<string, At<Route>>(),
  };

  #meta(kind: string, name?: string) {
    const n = ++this.#count;
    const id = `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
    const time = "2025-01-01T00:00:00Z";
    return { id, name: name ?? `${kind}-${n}`, labels: {}, created_at: time, updated_at: time, revision: n };
  }

  host(fields: Pick<Host, "number" | "tunnel_address"> & Partial<Host>): At<Host> {
    const host: At<Host> = { ...this.#meta("host", fields.name), kind: "onehop", roles: ["compute"], ...fields };
    this.#intent.hosts.set(host.id, host);
    return host;
  }

  vpc(fields: Pick<Vpc, "cidrs" | "vni"> & Partial<Vpc>): At<Vpc> {
    const defaults = { project_id: "project", learning: "direct", max_learned: 16_384 } as const;
    const vpc: At<Vpc> = { ...this.#meta("vpc", fields.name), ...defaults, ...fields };
    this.#intent.vpcs.set(vpc.id, vpc);
    return vpc;
  }

  network(vpc: Vpc, fields: Pick<Network, "cidr" | "gateway" | "vni"> & Partial<Network>): At<Network> {
    const owner = { vpc_id: vpc.id, project_id: vpc.project_id };
    const network: At<Network> = { ...this.#meta("network", fields.name), ...owner, ...fields };
    this.#intent.networks.set(network.id, network);
    return network;
  }

  port(network: Network, fields: Pick<Port, "addresses" | "mac"> & Partial<Port>): At<Port> {
    const meta = this.#meta("port", fields.name);
    const owner = { network_id: network.id, vpc_id: network.vpc_id, project_id: network.project_id };
    const device = { kind: "adopt" as const, name: `p${this.#count}` };
    const bound = fields.host_id === undefined ? {} : { device };
    const port: At<Port> = {
      ...meta,
      ...owner,
      ...bound,
      allowed_addresses: [],
      binding_revision: meta.revision,
      ...fields,
    };
    this.#intent.ports.set(port.id, port);
    return port;
  }

  route(vpc: Vpc, fields: Pick<Route, "destination" | "next_hop"> & Partial<Route>): At<Route> {
    const owner = { vpc_id: vpc.id, project_id: vpc.project_id };
    const route: At<Route> = { ...this.#meta("route", fields.name), ...owner, ...fields };
    this.#intent.routes.set(route.id, route);
    return route;
  }

  /** The Intent as it stands; later calls do not change it. */
  build(): Intent {
    const i = this.#intent;
    return {
      revision: this.#count + 1,
      projects: new Map(i.projects),
      hosts: new Map(i.hosts),
      vpcs: new Map(i.vpcs),
      networks: new Map(i.networks),
      ports: new Map(i.ports),
      routes: new Map(i.routes),
    };
  }
}

/** A port of a document: its network by name, `vpc/network`. */
export interface PortSpec {
  readonly in: string;
  readonly address: string;
  readonly host?: string;
  readonly mac?: string;
  /** A device that exists; by default the agent makes a veth to the namespace `<vpc>-<port>`. */
  readonly adopt?: string;
  /** Bound to a plain VXLAN peer, where nothing of ours runs. */
  readonly peer?: true;
  readonly allowed?: readonly string[];
}

export interface RegionSpec {
  /** By name, their ranges. */
  readonly vpcs: Readonly<Record<string, readonly string[]>>;
  /** By `vpc/network`, their range. */
  readonly networks: Readonly<Record<string, string>>;
  /** By name; `vpc.name` where two VPCs have ports of one name. */
  readonly ports?: Readonly<Record<string, PortSpec>>;
  /** By `vpc/route`: destination and next hop. */
  readonly routes?: Readonly<Record<string, readonly [destination: string, nextHop: string]>>;
}

const PROJECT = "netns";

/** The documents that `onehop apply` takes, of a region in a few lines. JSON is YAML. */
export function documents({ vpcs, networks, ports = {}, routes = {} }: RegionSpec): string {
  const split = (path: string): [string, string] => path.split("/") as [string, string];
  const all = [
    document("Project", { name: PROJECT }, {}),
    ...Object.entries(vpcs).map(([name, cidrs]) => document("Vpc", { name, project: PROJECT }, { cidrs })),
    ...Object.entries(networks).map(([path, cidr]) => {
      const [vpc, name] = split(path);
      return document("Network", { name, project: PROJECT, vpc }, { cidr });
    }),
    ...Object.entries(routes).map(([path, [destination, next_hop]]) => {
      const [vpc, name] = split(path);
      return document("Route", { name, project: PROJECT, vpc }, { destination, next_hop });
    }),
    ...Object.entries(ports).map(([name, spec]) => portDocument(name, spec)),
  ];
  return all.join("\n---\n");
}

function portDocument(key: string, spec: PortSpec): string {
  const [vpc, network] = spec.in.split("/") as [string, string];
  const name = key.slice(key.indexOf(".") + 1);
  const made = { kind: "veth", namespace: namespaceOfPort(vpc, name) };
  const device = spec.adopt ? { kind: "adopt", name: spec.adopt } : made;
  const body = {
    addresses: [spec.address],
    ...(spec.mac ? { mac: spec.mac } : {}),
    ...(spec.allowed ? { allowed_addresses: spec.allowed } : {}),
    ...(spec.host ? { host: spec.host, ...(spec.peer ? {} : { device }) } : {}),
  };
  return document("Port", { name, project: PROJECT, vpc, network }, body);
}

export const namespaceOfPort = (vpc: string, port: string): string => `${vpc}-${port}`;

const document = (kind: string, metadata: object, spec: object): string =>
  JSON.stringify({ apiVersion: "onehop/v1", kind, metadata, spec });

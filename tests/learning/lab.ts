import { inNamespace, Lab, run, tryRun } from "@onehop/lab";
import { ping } from "@onehop/lab/traffic/ping";

/** A VPC of three networks, a guest of each on a host of its own; two more hosts are hubs. */
export const FILE = `
{apiVersion: onehop/v1, kind: Project, metadata: {name: learn}, spec: {}}
---
{apiVersion: onehop/v1, kind: Vpc, metadata: {name: v, project: learn}, spec: {cidrs: [10.0.0.0/16]}}
---
${[1, 2, 3]
  .map(
    (
      n,
    ) => `{apiVersion: onehop/v1, kind: Network, metadata: {name: n${n}, project: learn, vpc: v}, spec: {cidr: 10.0.${n}.0/24}}
---
apiVersion: onehop/v1
kind: Port
metadata: {name: g${n}, project: learn, vpc: v, network: n${n}}
spec: {addresses: [10.0.${n}.10], host: h${n}, device: {kind: veth, namespace: g${n}}}`,
  )
  .join("\n---\n")}
`;
export const ADDRESS = (n: number): string => `10.0.${n}.10`;

export async function learningLab(): Promise<Lab> {
  const lab = await Lab.up({ hosts: 5, hubs: 2 });
  await lab.apply(FILE);
  await lab.realised();
  return lab;
}
void [inNamespace, run, tryRun, ping];

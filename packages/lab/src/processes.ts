import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { LabHost } from "./fabric/plan.ts";
import { onehop } from "./install.ts";
import type { LabFiles } from "./names.ts";
import { Child } from "./system/child.ts";
import { inNamespace } from "./system/run.ts";

export const controllerName = (n: number): string => (n === 1 ? "controller" : `controller-${n}`);

/** Where the n-th answers clients of the API, and agents. */
const socketsOf = ({ dir, apiSocket, agentSocket }: LabFiles, n: number) =>
  n === 1
    ? { api: apiSocket, agents: agentSocket }
    : { api: join(dir, `api-${n}.sock`), agents: join(dir, `agents-${n}.sock`) };

/** A controller of a lab: production's own process, its sockets in the lab's directory. `store`: flags that name it. */
export function startController(files: LabFiles, n: number, store: readonly string[]): Promise<Child> {
  const name = controllerName(n);
  const { api, agents } = socketsOf(files, n);
  const flags = [...store, "--name", n === 1 ? "lab" : `lab-${n}`, "--listen", `unix:${api}`];
  return Child.start({
    name,
    argv: onehop("controller", ...flags, "--agent-listen", `unix:${agents}`),
    log: files.log(name),
  });
}

/** The agent of a host, in that host's network namespace, with pins and state of its own. */
export function startAgent(files: LabFiles, host: LabHost, controllers: number): Promise<Child> {
  const dir = files.hostDir(host.name);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const sockets = Array.from({ length: controllers }, (_, i) => socketsOf(files, i + 1).agents);
  const told = sockets.flatMap((socket) => ["--controller", `unix:${socket}`]);
  const flags = ["--host", host.name, ...told, "--state-dir", dir];
  const uplinks = host.uplinks.flatMap((up) => ["--uplink", up.device]);
  return Child.start({
    name: `agent-${host.name}`,
    argv: inNamespace(host.namespace, onehop("agent", ...flags, "--pins", files.pins(host.name), ...uplinks)),
    log: files.log(`agent-${host.name}`),
  });
}

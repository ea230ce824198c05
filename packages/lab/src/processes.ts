import { mkdirSync } from "node:fs";
import type { LabHost } from "./fabric/plan.ts";
import { onehop } from "./install.ts";
import type { LabFiles } from "./names.ts";
import { Child } from "./system/child.ts";
import { inNamespace } from "./system/run.ts";

/** The controller of a lab: production's own process, its sockets in the lab's directory. */
export function startController(files: LabFiles, storeUrl: string): Promise<Child> {
  const flags = ["--store", storeUrl, "--name", "lab", "--listen", `unix:${files.apiSocket}`];
  return Child.start({
    name: "controller",
    argv: onehop("controller", ...flags, "--agent-listen", `unix:${files.agentSocket}`),
    log: files.log("controller"),
  });
}

/** The agent of a host, in that host's network namespace, with pins and state of its own. */
export function startAgent(files: LabFiles, host: LabHost): Promise<Child> {
  const dir = files.hostDir(host.name);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const flags = ["--host", host.name, "--controller", `unix:${files.agentSocket}`, "--state-dir", dir];
  const uplinks = host.uplinks.flatMap((up) => ["--uplink", up.device]);
  return Child.start({
    name: `agent-${host.name}`,
    argv: inNamespace(host.namespace, onehop("agent", ...flags, "--pins", files.pins(host.name), ...uplinks)),
    log: files.log(`agent-${host.name}`),
  });
}

import { isDetached } from "./detached.ts";
import type { Lab } from "./lab.ts";
import { onStdout } from "./paint.ts";

/** What to try while a lab is up. */
export function guide(lab: Lab): string {
  const end = isDetached ? `onehop lab down ${lab.id}` : "Ctrl-C";
  const lines = [
    "",
    onStdout.bold(`Lab ${lab.id} is up: ${lab.hosts.length} hosts, its API at ${lab.url}.`),
    "In another terminal, in this directory:",
    `  export PATH="$PWD/bin:$PATH" ONEHOP_URL=${lab.url}`,
    "  onehop lab ls                                # the guests, with their addresses and hosts",
    "  onehop lab exec GUEST -- ping -c 3 ADDRESS",
    "  onehop port list                             # the same ports, as the API tells them",
    `Logs: ${lab.files.logs}. ${end} ends it and leaves nothing behind.`,
    "",
  ];
  return lines.join("\n");
}

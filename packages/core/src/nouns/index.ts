import { host } from "./host.ts";
import { network } from "./network.ts";
import type { Kind, Noun } from "./noun.ts";
import { port } from "./port.ts";
import { project } from "./project.ts";
import { route } from "./route.ts";
import { vpc } from "./vpc.ts";

export * from "./host.ts";
export * from "./network.ts";
export * from "./noun.ts";
export * from "./port.ts";
export * from "./project.ts";
export * from "./route.ts";
export * from "./vpc.ts";

/** Every noun, parents first: the order in which files are applied; deletion goes the other way. */
export const NOUNS = [project, host, vpc, network, port, route] as const satisfies readonly Noun[];

export const nounOf = (kind: Kind): Noun => NOUNS.find((n) => n.kind === kind) as Noun;
export * from "./intent.ts";

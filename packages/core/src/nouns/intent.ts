import type { Host } from "./host.ts";
import type { Network } from "./network.ts";
import type { Port } from "./port.ts";
import type { Project } from "./project.ts";
import type { Route } from "./route.ts";
import type { Vpc } from "./vpc.ts";

/** What users asked for, all of it, at one revision of the store. Objects carry `revision`, that of their last change. */
export interface Intent {
  readonly revision: number;
  readonly projects: ReadonlyMap<string, At<Project>>;
  readonly hosts: ReadonlyMap<string, At<Host>>;
  readonly vpcs: ReadonlyMap<string, At<Vpc>>;
  readonly networks: ReadonlyMap<string, At<Network>>;
  readonly ports: ReadonlyMap<string, At<Port>>;
  readonly routes: ReadonlyMap<string, At<Route>>;
}

export type At<T> = T & { readonly revision: number };

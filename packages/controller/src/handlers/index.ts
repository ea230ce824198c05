import type { Kind, Meta } from "@onehop/core";
import type { Handler } from "./handler.ts";
import { hosts } from "./host.ts";
import { networks } from "./network.ts";
import { ports } from "./port.ts";
import { projects } from "./project.ts";
import { routes } from "./route.ts";
import { vpcs } from "./vpc.ts";

/** A noun without a handler does not compile. */
const HANDLERS = { project: projects, host: hosts, vpc: vpcs, network: networks, port: ports, route: routes };

/** An object whose noun is known at run time only; its schema was checked. */
export type Thing = Meta & Readonly<Record<string, unknown>>;

export const handlerOf = (kind: Kind): Handler<Thing, Thing> => HANDLERS[kind] as unknown as Handler<Thing, Thing>;

import Type from "typebox";
import { defaulted, noun, type Stored } from "./noun.ts";

const units = (initial: number) => Type.Integer({ minimum: 0, maximum: 10_000_000, default: initial });

export const project = noun({
  kind: "project",
  plural: "projects",
  doc: "owner and quota boundary; every tenant object belongs to one",
  scope: "global",
  fields: {
    quotas: defaulted(
      Type.Object(
        { vpcs: units(16), networks: units(1024), ports: units(100_000), routes: units(4096) },
        { additionalProperties: false, default: { vpcs: 16, networks: 1024, ports: 100_000, routes: 4096 } },
      ),
      "how many objects of each noun the project may have",
      { mutable: true },
    ),
  },
  example: { name: "shop" },
  columns: ["name", "quotas", "status"],
});
export type Project = Stored<typeof project>;

import { createSchema, host, patchSchema, port, project, vpc } from "@onehop/core";
import { expect, test } from "vitest";
import { check, checkAndFill, didYouMean, formatProblem, methodsOf } from "../src/index.ts";

const id = "0b7c5a52-6d5c-4b0e-9a53-3f6f4f0f8c11";

test("every problem of a body is told, each with a pointer and a sentence", () => {
  const { errors } = check(createSchema(vpc))({ name: "Prod", project_id: 7, cidrs: ["10.0.0.1/16", "x"] });
  expect(errors).toEqual([
    { pointer: "/name", detail: "must be lower-case letters, digits, dot, dash and underscore; at most 63" },
    { pointer: "/project_id", detail: "must be a string" },
    { pointer: "/cidrs/0", detail: "has host bits set; did you mean 10.0.0.0/16?" },
    { pointer: "/cidrs/1", detail: "must be an IPv4 range such as 10.0.0.0/16" },
  ]);
});

test("an unknown field is an error with the name that was probably meant", () => {
  const result = check(createSchema(port))({ network_id: id, adresses: ["10.0.1.5"] });
  expect(result).toEqual({
    errors: [{ pointer: "/adresses", detail: "is not a field that is known here" }],
    hint: "Did you mean addresses?",
  });
  expect(check(createSchema(port))({ network_id: id, "a/b~c": 1 }).errors[0]?.pointer).toBe("/a~1b~0c");
});

test("a missing field is named", () => {
  expect(check(createSchema(vpc))({}).errors).toEqual([
    { pointer: "/project_id", detail: "is required" },
    { pointer: "/cidrs", detail: "is required" },
  ]);
});

test("of a union only the branch that was meant is spoken of", () => {
  const device = (value: unknown) => check(createSchema(port))({ network_id: id, device: value }).errors;
  expect(device({ kind: "veth" })).toEqual([{ pointer: "/device/namespace", detail: "is required" }]);
  expect(device({ kind: "adopt", name: "tap 0" })).toEqual([
    {
      pointer: "/device/name",
      detail: "must be letters, digits, dot, dash and underscore, a letter or digit first; at most 15",
    },
  ]);
  expect(device({ kind: "macvtap" })).toEqual([{ pointer: "/device", detail: "has none of the allowed shapes" }]);
  const kind = check(createSchema(host))({ name: "h1", tunnel_address: "192.0.2.1", kind: "router" }).errors;
  expect(kind).toEqual([{ pointer: "/kind", detail: 'must be one of "onehop", "vxlan-peer"' }]);
});

test("of a union within a union, such as a patch's field that may be null, too", () => {
  const device = (value: unknown) => check(patchSchema(port))({ device: value }).errors;
  expect(device({ kind: "veth", namespace: "g1" })).toEqual([]);
  expect(device(null)).toEqual([]);
  expect(device({ kind: "veth", namespace: "../x" }).map((e) => e.pointer)).toEqual(["/device/namespace"]);
  expect(device({ kind: "adopt", namespace: "g1" }).map((e) => e.pointer)).toEqual([
    "/device/name",
    "/device/namespace",
  ]);
  expect(device({ kind: "macvtap" })).toEqual([{ pointer: "/device", detail: "has none of the allowed shapes" }]);
});

test("defaults are filled in where a part is missing", () => {
  const body: Record<string, unknown> = { name: "shop", quotas: { ports: 3 } };
  expect(checkAndFill(createSchema(project))(body).errors).toEqual([]);
  expect(body.quotas).toEqual({ vpcs: 16, networks: 1024, ports: 3, routes: 4096 });
});

test("labels are checked by key and value", () => {
  const labels = (value: unknown) => check(createSchema(project))({ name: "shop", labels: value }).errors;
  expect(labels({ "app.kubernetes.io/name": "web" })).toEqual([]);
  expect(labels({ "Not one": "x" })[0]?.pointer).toBe("/labels/Not one");
  expect(labels({ tier: 1 })).toEqual([{ pointer: "/labels/tier", detail: "must be a string" }]);
  expect(labels(JSON.parse('{"__proto__": "x"}'))[0]?.pointer).toBe("/labels/__proto__");
});

test("formats are those of the system's own parsers", () => {
  expect(formatProblem("ipv4-address", "010.0.0.1")).toContain("without leading zeros");
  expect(formatProblem("port-mac", "01:00:5e:00:00:01")).toContain("group address");
  expect(formatProblem("uuid", id)).toBeUndefined();
  expect(formatProblem("uuid", id.toUpperCase())).toContain("lower case");
});

test("a near name is offered, a far one is not", () => {
  expect(didYouMean("networkid", ["network_id", "vpc_id"])).toBe("Did you mean network_id?");
  expect(didYouMean("zzzzzz", ["network_id", "vpc_id"])).toBeUndefined();
});

test("a path knows its methods", () => {
  expect(methodsOf("/v1/vpcs")).toEqual(["GET", "POST"]);
  expect(methodsOf(`/v1/vpcs/${id}`)).toEqual(["GET", "PATCH", "DELETE"]);
  expect(methodsOf("/v1/ports:bulk")).toEqual(["POST"]);
  expect(methodsOf("/v2")).toBeUndefined();
});

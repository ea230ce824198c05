import { check } from "@onehop/api/check";
import { type FieldError, type Kind, Name, NOUNS, type Noun, nounOf, OnehopError } from "@onehop/core";
import Type from "typebox";
import {
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
  type Document as YamlDocument,
} from "yaml";
import { createFlags } from "./fields.ts";
import { refOf } from "./objects.ts";
import { specProblems } from "./spec_schema.ts";
import { didYouMean } from "./suggest.ts";

export const API_VERSION = "onehop/v1";

/** One object of a file: checked, but with names not yet resolved. */
export interface ObjectDocument {
  readonly noun: Noun;
  readonly name: string;
  /** Owners by name or id, from `metadata`: a port's may name project, vpc and network. */
  readonly owners: Partial<Record<Kind, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** Create body's fields; references may be names. */
  readonly spec: Readonly<Record<string, unknown>>;
  /** Line (from 1) of a JSON pointer into the API's body (`/cidrs/0`), or of the document. */
  lineOf(pointer: string): number;
}

/** Every problem of a file at once, each `line N: …`. */
export const fileError = (problems: readonly FieldError[]): OnehopError =>
  new OnehopError({
    code: "invalid",
    status: 400,
    message: problems.length === 1 ? problems[0]!.detail : `The file has ${problems.length} problems.`,
    errors: problems,
    hint: "nothing was applied; mend the file and apply it again.",
  });

const MAX_DOCUMENTS = 100_000;

/** By the API's own rule, so that a name that it refuses is neither sent nor shown. */
const checkNamed = check(Type.Object({ name: Name }));

/** Reads a file of documents `{apiVersion, kind, metadata, spec}`; throws fileError with all that is wrong. */
export function parseDocuments(text: string): ObjectDocument[] {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter: lines, logLevel: "error" });
  const documents = Array.isArray(parsed) ? parsed : [];
  const found = new Problems(lines);
  const objects: ObjectDocument[] = [];
  if (documents.length > MAX_DOCUMENTS) found.add(undefined, `more than ${MAX_DOCUMENTS} documents`);
  for (const document of documents) {
    for (const e of document.errors) found.addAt(e.pos[0], firstLine(e.message));
    if (document.errors.length > 0 || isEmpty(document as YamlDocument)) continue;
    const object = readDocument(document as YamlDocument, found);
    if (object) objects.push(object);
  }
  if (found.list.length) throw fileError(found.list);
  return objects;
}

const isEmpty = ({ contents }: YamlDocument): boolean =>
  contents === null || (isScalar(contents) && contents.value === null);

const firstLine = (text: string): string =>
  text.includes("call stack") ? "nested too deeply" : text.split(/ at line \d+|\n/)[0]!.replace(/:$/, "");

class Problems {
  readonly list: FieldError[] = [];
  private readonly lines: LineCounter;
  constructor(lines: LineCounter) {
    this.lines = lines;
  }
  add(node: Node | undefined, detail: string): void {
    this.addAt(node?.range?.[0] ?? 0, detail);
  }
  addAt(offset: number, detail: string): void {
    this.list.push({ pointer: "", detail: `line ${this.line(offset)}: ${detail}` });
  }
  line(offset: number): number {
    return Math.max(1, this.lines.linePos(offset).line);
  }
}

const TOP = ["apiVersion", "kind", "metadata", "spec"];

function readDocument(document: YamlDocument, found: Problems): ObjectDocument | undefined {
  const root = document.contents;
  if (!isMap(root)) return void found.add(root ?? undefined, "a document must be {apiVersion, kind, metadata, spec}");
  if (hasAlias(document)) return void found.add(root, "aliases (*name) are not supported");
  const before = found.list.length;
  const value = document.toJS() as Record<string, unknown>;
  unknownKeys(root, TOP, found);
  if (value.apiVersion !== API_VERSION)
    found.add(at(document, ["apiVersion"]) ?? root, `apiVersion must be ${API_VERSION}, not ${show(value.apiVersion)}`);
  const noun = readKind(document, value.kind, found);
  if (!noun) return undefined;
  const metadata = readMetadata(document, noun, found);
  const spec = readSpec(document, noun, found);
  if (found.list.length > before) return undefined;
  const start = found.line(root.range?.[0] ?? 0);
  const lineOf = (pointer: string): number => {
    const node = nodeOfPointer(document, noun, pointer);
    return node?.range ? found.line(node.range[0]) : start;
  };
  return { noun, ...metadata, spec, lineOf };
}

function hasAlias(document: YamlDocument): boolean {
  let found = false;
  visit(document, {
    Alias: () => {
      found = true;
      return visit.BREAK;
    },
  });
  return found;
}

function readKind(document: YamlDocument, value: unknown, found: Problems): Noun | undefined {
  const word = typeof value === "string" ? value.toLowerCase() : "";
  const noun = NOUNS.find((n) => n.kind === word);
  const kinds = NOUNS.map((n) => title(n.kind));
  if (!noun) {
    const near = didYouMean(word, kinds) ?? `It is one of ${kinds.join(", ")}.`;
    found.add(at(document, ["kind"]) ?? document.contents ?? undefined, `kind ${show(value)} is not known. ${near}`);
  }
  return noun;
}

const title = (kind: string): string => kind[0]!.toUpperCase() + kind.slice(1);
const show = (value: unknown): string => (value === undefined ? "missing" : JSON.stringify(value).slice(0, 60));

/** Owner kinds that `metadata` of a noun may name: a port's are network, vpc and project. */
export function ownersOf(noun: Noun): Kind[] {
  const owners: Kind[] = [];
  for (let n: Noun = noun; n.parent; n = nounOf(n.parent.kind)) owners.push(n.parent.kind);
  return owners;
}

type Metadata = Pick<ObjectDocument, "name" | "owners" | "labels">;

function readMetadata(document: YamlDocument, noun: Noun, found: Problems): Metadata {
  const node = at(document, ["metadata"]);
  const value = document.getIn(["metadata"]);
  if (!isMap(value)) {
    found.add(node ?? document.contents ?? undefined, "metadata with a name is missing");
    return { name: "", owners: {} };
  }
  const metadata = value.toJSON() as Record<string, unknown>;
  const owners = ownersOf(noun);
  unknownKeys(value, ["name", "labels", ...owners], found);
  for (const key of ["name", ...owners]) {
    const text = metadata[key];
    if (text === undefined && key !== "name") continue;
    if (typeof text !== "string" || text === "")
      found.add(at(document, ["metadata", key]) ?? value, `metadata.${key} must be a text, not ${show(text)}`);
  }
  if (typeof metadata.name === "string" && metadata.name !== "")
    for (const { detail } of checkNamed({ name: metadata.name }).errors.slice(0, 1))
      found.add(at(document, ["metadata", "name"]), `metadata.name ${detail}`);
  const named = owners.filter((k) => typeof metadata[k] === "string");
  const result = {
    name: String(metadata.name),
    owners: Object.fromEntries(named.map((k) => [k, metadata[k] as string])),
  };
  if (metadata.labels === undefined) return result;
  return { ...result, labels: readLabels(metadata.labels, at(document, ["metadata", "labels"]), found) };
}

function readLabels(value: unknown, node: Node | undefined, found: Problems): Record<string, string> {
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : undefined;
  if (!entries || Array.isArray(value)) found.add(node, "metadata.labels must be key: value pairs");
  for (const [key, v] of entries ?? [])
    if (typeof v !== "string") found.add(node, `label ${key} must be a text; put ${show(v)} in quotes`);
  return Object.fromEntries((entries ?? []) as [string, string][]);
}

/** Field names as in the API; a reference may leave its `_id` out and give a name (`host: h1`). */
function readSpec(document: YamlDocument, noun: Noun, found: Problems): Record<string, unknown> {
  const value = document.getIn(["spec"]);
  if (value === undefined || value === null) return {};
  const node = at(document, ["spec"]);
  if (!isMap(value)) {
    found.add(node, "spec must be field: value pairs");
    return {};
  }
  const fields = createFlags(noun);
  unknownKeys(
    value,
    fields.flatMap((f) => wordsOf(noun, f.field)),
    found,
  );
  const spec: Record<string, unknown> = {};
  for (const [key, v] of Object.entries(value.toJSON() as Record<string, unknown>)) {
    const field = fields.find((f) => wordsOf(noun, f.field).includes(key))?.field;
    if (field) spec[field] = v;
  }
  for (const problem of specProblems(noun, spec))
    found.add(
      nodeOfPointer(document, noun, problem.pointer) ?? node,
      `spec${dotted(problem.pointer)} ${problem.detail}`,
    );
  return spec;
}

const dotted = (pointer: string): string => pointer.replaceAll("/", ".");

const wordsOf = (noun: Noun, field: string): string[] =>
  refOf(field, noun.fields[field]!) ? [field, field.replace(/_id$/, "")] : [field];

function unknownKeys(map: Node, known: readonly string[], found: Problems): void {
  if (!isMap(map)) return;
  for (const pair of map.items) {
    const key = String((pair.key as { value?: unknown }).value);
    if (known.includes(key)) continue;
    found.add(
      pair.key as Node,
      `unknown field ${show(key)}. ${didYouMean(key, known) ?? `Known: ${known.join(", ")}.`}`,
    );
  }
}

const at = (document: YamlDocument, path: readonly (string | number)[]): Node | undefined => {
  const node = document.getIn(path, true);
  return isNode(node) ? node : undefined;
};

/** Where a pointer into the API's body stands in the file; the nearest thing above it that is written there. */
function nodeOfPointer(document: YamlDocument, noun: Noun, pointer: string): Node | undefined {
  const parts = pointer.split("/").slice(1);
  const first = parts[0] ?? "";
  const starts: string[][] =
    first === "name" || first === "labels"
      ? [["metadata", first]]
      : [
          ...(noun.fields[first] ? wordsOf(noun, first) : [first]).map((w) => ["spec", w]),
          ["metadata", first.replace(/_id$/, "")],
        ];
  const rest = parts.slice(1).map((p) => (/^\d+$/.test(p) ? Number(p) : p));
  for (let length = rest.length; length >= 0; length--)
    for (const start of starts) {
      const node = at(document, [...start, ...rest.slice(0, length)]);
      if (node) return node;
    }
  return at(document, ["metadata", "name"]) ?? (document.contents as Node | undefined);
}

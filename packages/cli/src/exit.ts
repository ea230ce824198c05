import { OnehopError } from "@onehop/core";

/** Exit codes; scripts rely on them. */
export const EXIT = {
  ok: 0,
  failure: 1,
  /** The command line, the file or a field is wrong. */
  usage: 2,
  notFound: 3,
  /** The present state forbids it, or somebody changed the object meanwhile. */
  conflict: 4,
  denied: 5,
  unreachable: 6,
  timeout: 7,
} as const;

/** Ends the command with this code; what there is to say was said. */
export class Exit extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

const BY_STATUS: Readonly<Record<number, number>> = {
  400: EXIT.usage,
  401: EXIT.denied,
  403: EXIT.denied,
  404: EXIT.notFound,
  408: EXIT.timeout,
  409: EXIT.conflict,
  412: EXIT.conflict,
  413: EXIT.usage,
  422: EXIT.usage,
  503: EXIT.unreachable,
  504: EXIT.timeout,
};

export function exitCodeOf(error: unknown): number {
  if (!(error instanceof OnehopError)) return EXIT.failure;
  return BY_STATUS[error.detail.status] ?? EXIT.failure;
}

/** 400: the command line is wrong; nothing was sent. */
export const usage = (message: string, hint?: string): OnehopError =>
  new OnehopError({ code: "usage", status: 400, message, ...(hint ? { hint } : {}) });

/** 503: nobody answers at the address. */
export const unreachable = (why: string): OnehopError =>
  new OnehopError({
    code: "unreachable",
    status: 503,
    message: why,
    hint: "Start one with onehop up, or name the right address with --url or ONEHOP_URL.",
  });

export const timedOut = (message: string, hint: string): OnehopError =>
  new OnehopError({ code: "timeout", status: 408, message, hint });

/** What, why, and what to do next, one a line. */
export function explain(error: unknown): string {
  if (!(error instanceof OnehopError)) {
    const message = error instanceof Error ? error.message : String(error);
    return `Error: ${message}\n`;
  }
  const { message, errors = [], hint, fields } = error.detail;
  const lines = [`Error: ${message}`];
  for (const problem of errors) {
    const text = problem.pointer ? `${problem.pointer}: ${problem.detail}` : problem.detail;
    if (!message.includes(problem.detail)) lines.push(`  ${text}`);
  }
  for (const { kind, name } of usersOf(fields?.used_by))
    if (!message.includes(name)) lines.push(`  used by ${[kind, name].filter(Boolean).join("/")}`);
  if (hint) lines.push(`Hint: ${hint}`);
  if (typeof fields?.request_id === "string" && error.detail.status >= 500) lines.push(`Request: ${fields.request_id}`);
  return `${lines.join("\n")}\n`;
}

interface User {
  readonly kind?: string;
  readonly name: string;
}

function usersOf(users: unknown): User[] {
  if (!Array.isArray(users)) return [];
  return users.map((u: string | { kind?: string; name?: string; id?: string }) => {
    if (typeof u === "string") return { name: u };
    return { ...(u.kind ? { kind: u.kind } : {}), name: u.name ?? u.id ?? "" };
  });
}

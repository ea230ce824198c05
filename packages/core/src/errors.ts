/** An error that crosses process borders unchanged: a stable code, the fields it speaks of, and a sentence. */
export interface ErrorDetail {
  /** Stable, snake_case, e.g. `cidr_overlap`. One page of docs each. */
  code: string;
  /** HTTP status the API answers with. */
  status: number;
  /** A sentence that names the object. */
  message: string;
  /** What the user can do about it. */
  hint?: string;
  /** Every problem found, each with a JSON pointer (RFC 6901) into the request body. */
  errors?: readonly FieldError[];
  /** Seconds after which trying again makes sense. */
  retry_after?: number;
  /** Further fields of this code, e.g. `{used_by: [...]}`. */
  fields?: Readonly<Record<string, unknown>>;
}

export interface FieldError {
  pointer: string;
  detail: string;
}

export class OnehopError extends Error {
  readonly detail: ErrorDetail;
  constructor(detail: ErrorDetail) {
    super(detail.message);
    this.name = "OnehopError";
    this.detail = detail;
  }
  get code(): string {
    return this.detail.code;
  }
}

/** 400: the request itself is wrong. */
export const invalid = (pointer: string, detail: string, hint?: string): OnehopError =>
  new OnehopError({
    code: "invalid",
    status: 400,
    message: pointer ? `${pointer}: ${detail}` : detail,
    errors: [{ pointer, detail }],
    ...(hint ? { hint } : {}),
  });

/** 409: the request is well formed but the present state forbids it. */
export const conflict = (code: string, message: string, extra: Partial<ErrorDetail> = {}): OnehopError =>
  new OnehopError({ ...extra, code, status: 409, message });

/** 404: there is no such object, or it is not yours. */
export const notFound = (kind: string, id: string): OnehopError =>
  new OnehopError({
    code: "not_found",
    status: 404,
    message: `There is no ${kind} ${JSON.stringify(id.slice(0, 80))}.`,
    hint: `onehop ${kind} list shows those you may see.`,
  });

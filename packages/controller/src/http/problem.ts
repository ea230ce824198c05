import { STATUS_CODES } from "node:http";
import { type ErrorDetail, OnehopError } from "@onehop/core";
import { StoreError } from "@onehop/store";

/** Where a problem arose. */
export interface Place {
  readonly instance: string;
  readonly request_id: string;
}

/** Problem details (RFC 9457) of a refusal. */
export const problemOf = (detail: ErrorDetail, place: Place): Record<string, unknown> => ({
  type: `urn:onehop:error:${detail.code}`,
  title: STATUS_CODES[detail.status] ?? "Error",
  status: detail.status,
  detail: detail.message,
  ...place,
  code: detail.code,
  ...(detail.errors ? { errors: detail.errors } : {}),
  ...(detail.hint ? { hint: detail.hint } : {}),
  ...(detail.retry_after === undefined ? {} : { retry_after: detail.retry_after }),
  ...detail.fields,
});

/** Any error as a refusal; what nobody foresaw becomes a 500 that tells nothing of the inside. */
export function detailOf(error: unknown): ErrorDetail {
  if (error instanceof OnehopError) return error.detail;
  if (error instanceof StoreError) return ofStore(error);
  const { statusCode, code } = Object(error) as { statusCode?: unknown; code?: unknown };
  return (typeof code === "string" ? OF_HTTP[code] : undefined) ?? ofStatus(statusCode);
}

const OF_HTTP: Readonly<Record<string, ErrorDetail>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: {
    code: "body_too_large",
    status: 413,
    message: "The body is larger than this request may have.",
    hint: "At most 1 MiB, and 16 MiB for POST /v1/ports:bulk.",
  },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: "unsupported_media_type",
    status: 415,
    message: "The body must be JSON.",
    hint: "Send Content-Type: application/json, or application/merge-patch+json with PATCH.",
  },
};

function ofStatus(status: unknown): ErrorDetail {
  if (typeof status === "number" && status >= 400 && status < 500)
    return { code: "bad_request", status, message: "The request is malformed." };
  return {
    code: "internal",
    status: 500,
    message: "The controller made a mistake; its log has the details under this request_id.",
    hint: "Report it.",
  };
}

function ofStore({ code, message }: StoreError): ErrorDetail {
  if (code === "too_large")
    return { code: "too_large", status: 413, message: "The object is larger than the store takes." };
  if (code === "no_space")
    return {
      code: "store_full",
      status: 507,
      message: "The store is full: nothing is written until it has space again.",
      hint: "Compact and defragment etcd, then disarm its alarm (docs/operate.md), or raise its --quota-backend-bytes.",
    };
  if (code === "restored")
    return { code: "store_frozen", status: 503, message, hint: "onehop store show, then onehop store accept." };
  return {
    code: "store_unavailable",
    status: 503,
    message: "The store does not answer; whether a write was done is not known.",
    hint: "Try again: with the same id or Idempotency-Key a write is done once.",
    retry_after: 1,
  };
}

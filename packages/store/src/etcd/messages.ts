/** The messages of proto.ts as TypeScript; int64 are decimal strings when read. */
type Int64 = string | number;

interface Header {
  readonly revision: string;
}
export interface KeyValue {
  readonly key: string;
  readonly value: string;
  readonly create_revision: string;
  readonly mod_revision: string;
}
export interface KeyRange {
  readonly key: string;
  readonly range_end?: string;
}
export interface RangeRequest extends KeyRange {
  readonly limit?: Int64;
  readonly revision?: Int64;
  readonly keys_only?: boolean;
}
export interface RangeResponse {
  readonly header: Header;
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
}
export type RequestOp =
  | { readonly request_put: { readonly key: string; readonly value: string; readonly lease?: Int64 } }
  | { readonly request_delete_range: KeyRange };
export interface CompareMessage extends KeyRange {
  readonly result: "EQUAL" | "NOT_EQUAL";
  readonly target: "CREATE" | "MOD";
  readonly create_revision?: Int64;
  readonly mod_revision?: Int64;
}
export interface WatchRequest {
  readonly create_request: KeyRange & {
    readonly start_revision: Int64;
    readonly progress_notify: boolean;
    readonly fragment: boolean;
  };
}
export interface Event {
  readonly type: "PUT" | "DELETE";
  readonly kv: KeyValue;
}
export interface WatchResponse {
  readonly header: Header;
  readonly created: boolean;
  readonly canceled: boolean;
  readonly compact_revision: string;
  readonly cancel_reason: string;
  readonly fragment: boolean;
  readonly events: readonly Event[];
}

/** Method → what is sent and what comes back. */
export interface Unary {
  "KV.Range": [RangeRequest, RangeResponse];
  "KV.Txn": [
    { readonly compare: readonly CompareMessage[]; readonly success: readonly RequestOp[] },
    { readonly header: Header; readonly succeeded: boolean },
  ];
  "KV.Compact": [{ readonly revision: Int64; readonly physical: boolean }, unknown];
  "Lease.LeaseGrant": [{ readonly TTL: Int64 }, { readonly ID: string }];
  "Lease.LeaseRevoke": [{ readonly ID: Int64 }, unknown];
}
/** As Unary, for streams both ways. */
export interface Duplex {
  "Watch.Watch": [WatchRequest, WatchResponse];
  "Lease.LeaseKeepAlive": [{ readonly ID: Int64 }, { readonly ID: string; readonly TTL: string }];
}

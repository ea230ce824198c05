import { fromJSON } from "@grpc/proto-loader";

/**
 * The part of etcd's gRPC API (version 3.4 and later) that this client speaks: names, field numbers and types as in
 * etcd's rpc.proto and kv.proto. Embedded, so that a bundle needs no file beside it. Etcd's `bytes` are `string` here,
 * the same on the wire for UTF-8 text, which is all we store.
 */
type FieldSpec = { readonly id: number; readonly type: string; readonly rule?: "repeated" };
const f = (id: number, type: string): FieldSpec => ({ id, type });
const many = (id: number, type: string): FieldSpec => ({ id, type, rule: "repeated" });

const messages = {
  ResponseHeader: { fields: { revision: f(3, "int64") } },
  KeyValue: {
    fields: {
      key: f(1, "string"),
      create_revision: f(2, "int64"),
      mod_revision: f(3, "int64"),
      value: f(5, "string"),
    },
  },
  RangeRequest: {
    fields: {
      key: f(1, "string"),
      range_end: f(2, "string"),
      limit: f(3, "int64"),
      revision: f(4, "int64"),
      keys_only: f(8, "bool"),
    },
  },
  RangeResponse: { fields: { header: f(1, "ResponseHeader"), kvs: many(2, "KeyValue"), more: f(3, "bool") } },
  PutRequest: { fields: { key: f(1, "string"), value: f(2, "string"), lease: f(3, "int64") } },
  DeleteRangeRequest: { fields: { key: f(1, "string"), range_end: f(2, "string") } },
  RequestOp: {
    oneofs: { request: { oneof: ["request_put", "request_delete_range"] } },
    fields: { request_put: f(2, "PutRequest"), request_delete_range: f(3, "DeleteRangeRequest") },
  },
  Compare: {
    oneofs: { target_union: { oneof: ["create_revision", "mod_revision"] } },
    fields: {
      result: f(1, "CompareResult"),
      target: f(2, "CompareTarget"),
      key: f(3, "string"),
      create_revision: f(5, "int64"),
      mod_revision: f(6, "int64"),
      range_end: f(64, "string"),
    },
  },
  CompareResult: { values: { EQUAL: 0, GREATER: 1, LESS: 2, NOT_EQUAL: 3 } },
  CompareTarget: { values: { VERSION: 0, CREATE: 1, MOD: 2, VALUE: 3, LEASE: 4 } },
  TxnRequest: { fields: { compare: many(1, "Compare"), success: many(2, "RequestOp") } },
  TxnResponse: { fields: { header: f(1, "ResponseHeader"), succeeded: f(2, "bool") } },
  CompactionRequest: { fields: { revision: f(1, "int64"), physical: f(2, "bool") } },
  CompactionResponse: { fields: { header: f(1, "ResponseHeader") } },
  WatchRequest: {
    oneofs: { request_union: { oneof: ["create_request"] } },
    fields: { create_request: f(1, "WatchCreateRequest") },
  },
  WatchCreateRequest: {
    fields: {
      key: f(1, "string"),
      range_end: f(2, "string"),
      start_revision: f(3, "int64"),
      progress_notify: f(4, "bool"),
      fragment: f(8, "bool"),
    },
  },
  WatchResponse: {
    fields: {
      header: f(1, "ResponseHeader"),
      created: f(3, "bool"),
      canceled: f(4, "bool"),
      compact_revision: f(5, "int64"),
      cancel_reason: f(6, "string"),
      fragment: f(7, "bool"),
      events: many(11, "Event"),
    },
  },
  Event: { fields: { type: f(1, "EventType"), kv: f(2, "KeyValue") } },
  EventType: { values: { PUT: 0, DELETE: 1 } },
  LeaseGrantRequest: { fields: { TTL: f(1, "int64") } },
  LeaseGrantResponse: { fields: { ID: f(2, "int64") } },
  LeaseRevokeRequest: { fields: { ID: f(1, "int64") } },
  LeaseRevokeResponse: { fields: { header: f(1, "ResponseHeader") } },
  LeaseKeepAliveRequest: { fields: { ID: f(1, "int64") } },
  LeaseKeepAliveResponse: { fields: { ID: f(2, "int64"), TTL: f(3, "int64") } },
};

const method = (name: string, stream: boolean) => ({
  requestType: `${name}Request`,
  responseType: `${name}Response`,
  requestStream: stream,
  responseStream: stream,
  comment: "",
});
const services = {
  KV: {
    methods: {
      Range: method("Range", false),
      Txn: method("Txn", false),
      Compact: method("Compaction", false),
    },
  },
  Watch: { methods: { Watch: method("Watch", true) } },
  Lease: {
    methods: {
      LeaseGrant: method("LeaseGrant", false),
      LeaseRevoke: method("LeaseRevoke", false),
      LeaseKeepAlive: method("LeaseKeepAlive", true),
    },
  },
};

/** Services by full name, for grpc-js. int64 come as decimal strings: leases need all 64 bits. */
export const etcdPackage = fromJSON(
  { nested: { etcdserverpb: { nested: { ...messages, ...services } } } },
  { longs: String, enums: String, defaults: true, arrays: true, keepCase: true },
);

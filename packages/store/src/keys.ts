/** Every key of the store, in one table: `key → value` beside each. */
const ROOT = "/onehop/v1";

export const keys = {
  /** All objects. */
  objects: `${ROOT}/object/`,
  /** → JSON of the stored object. */
  object: (plural: string, id: string) => `${ROOT}/object/${plural}/${id}`,
  objectsOf: (plural: string) => `${ROOT}/object/${plural}/`,
  /**
   * → id of the object with this name in its parent (`-`: the region); then, behind a space, what siblings must not repeat (a network's
   * range; a route's destination and next hop). Also of what an object is used by, without being its parent: a host's ports, by
   * id. There while the child is: what delete-if-unused compares.
   */
  child: (parentId: string, plural: string, name: string) => `${ROOT}/child/${parentId}/${plural}/${name}`,
  childrenOf: (parentId: string) => `${ROOT}/child/${parentId}/`,
  /** → number of creations and deletions under the VPC so far; serialises checks over its networks and routes. */
  header: (vpcId: string) => `${ROOT}/header/${vpcId}`,

  /** → id of the VPC or network that has the VNI. */
  vni: (vni: number) => `${ROOT}/vni/${String(vni).padStart(8, "0")}`,
  vnis: `${ROOT}/vni/`,
  /** → id of the host. */
  hostNumber: (n: number) => `${ROOT}/host-number/${String(n).padStart(5, "0")}`,
  hostNumbers: `${ROOT}/host-number/`,
  tunnel: (address: string) => `${ROOT}/tunnel/${address}`,
  /** → id of the port. */
  address: (networkId: string, address: string) => `${ROOT}/address/${networkId}/${address}`,
  addressesOf: (networkId: string) => `${ROOT}/address/${networkId}/`,
  mac: (networkId: string, mac: string) => `${ROOT}/mac/${networkId}/${mac}`,
  /** → id of the object that had it, under a lease: not to be given to another until the lease ends. */
  restingVni: (vni: number) => `${ROOT}/resting/vni/${String(vni).padStart(8, "0")}`,
  restingVnis: `${ROOT}/resting/vni/`,
  restingAddress: (networkId: string, address: string) => `${ROOT}/resting/address/${networkId}/${address}`,
  restingAddressesOf: (networkId: string) => `${ROOT}/resting/address/${networkId}/`,

  /**
   * → JSON of a Record, a long one packed (controller/src/history): what one transaction changed in the VPC. The stamp, a time and a random
   * part, only makes the key unique; the order of records is that of their revisions.
   */
  history: (vpcId: string, stamp: string) => `${ROOT}/history/${vpcId}/${stamp}`,
  historyOf: (vpcId: string) => `${ROOT}/history/${vpcId}/`,
  histories: `${ROOT}/history/`,
  /** → JSON {name, project_id, deleted_at} of a deleted VPC whose history is still kept. */
  historyEnd: (vpcId: string) => `${ROOT}/history-end/${vpcId}`,
  historyEnds: `${ROOT}/history-end/`,

  /** → decimal count of the project's objects against this quota; `ports` also of a network, against PORTS_PER_NETWORK. */
  quota: (projectId: string, quota: string) => `${ROOT}/quota/${projectId}/${quota}`,
  /** → JSON {request_hash, status, body}, under a lease of a day. */
  idempotency: (who: string, key: string) => `${ROOT}/idempotency/${who}/${key}`,
  /** → JSON {name, role, project_id}; the key has the token's SHA-256, never the token. */
  token: (sha256: string) => `${ROOT}/token/${sha256}`,
  tokens: `${ROOT}/token/`,

  /** → JSON Invitation (controller/src/join/invitations.ts) of a host that may join, under a lease. */
  invitation: (hostId: string) => `${ROOT}/invitation/${hostId}`,
  /** → JSON HostCertificate (controller/src/join/certificates.ts): whose certificates are good. Missing: none are. */
  hostCertificate: (hostId: string) => `${ROOT}/host-certificate/${hostId}`,
  hostCertificates: `${ROOT}/host-certificate/`,

  /** → JSON StoredKey (controller/src/learning/keys.ts): a secret; no answer of the API has it. */
  vpcKey: (vpcId: string) => `${ROOT}/vpc-key/${vpcId}`,
  vpcKeys: `${ROOT}/vpc-key/`,
  /** → empty while the host is given the VPC's key; then the last version that it was given. */
  keyHolder: (vpcId: string, hostId: string) => `${ROOT}/vpc-key-holder/${vpcId}/${hostId}`,
  keyHoldersOf: (vpcId: string) => `${ROOT}/vpc-key-holder/${vpcId}/`,
  keyHolders: `${ROOT}/vpc-key-holder/`,
  /** → the last version that the host was given, under a lease: so long it answers with that key for guests that left. */
  keyLingerer: (vpcId: string, hostId: string) => `${ROOT}/vpc-key-lingerer/${vpcId}/${hostId}`,
  keyLingerersOf: (vpcId: string) => `${ROOT}/vpc-key-lingerer/${vpcId}/`,
  /**
   * → decimal epoch of the store: one more each time that it was restored from a copy, set before a controller reads it.
   * Missing: 1. With ` frozen` behind it, no learned entry is judged: what is in the store is not to be trusted yet.
   */
  epoch: `${ROOT}/epoch`,

  /** Members and claims, so that one watch tells of both in order. */
  control: `${ROOT}/control/`,
  /** → JSON {name, agent_address, incarnation} of a controller that lives, under its lease. */
  member: (name: string) => `${ROOT}/control/member/${name}`,
  members: `${ROOT}/control/member/`,
  /** → name of the controller that owns the shard (an id of a slice); of the mod revision the epoch of its slices is made. */
  claim: (shard: string) => `${ROOT}/control/claim/${shard}`,
  claims: `${ROOT}/control/claim/`,
  /** → JSON of the host's last Report, under the lease of its stream. */
  report: (hostId: string) => `${ROOT}/report/${hostId}`,
  reports: `${ROOT}/report/`,
} as const;

/** Every code of 6.3.3 by its name; the names are what gRPC error messages of user queries contain. */
export const StatusCode = {
  Success: 0,
  /** Number is not a known code. */
  ConvertIntError: 1,
  /** Response lacks its `status`. */
  NoneStatusCode: 2,
  /** Service cannot start. */
  FatalError: 3,
  /** Peer is in the misbehave list. */
  MisbehaveNode: 100,
  /** Peer is banned. */
  BannedNode: 101,
  /** Peer address not bound to this session. */
  AddressOriginCheckError: 102,
  /** Address length is not 20. */
  ProvideAddressError: 103,
  /** Address missing. */
  NoProvideAddress: 104,
  /** Block not stored. */
  NoBlock: 105,
  /** Proof not stored. */
  NoProof: 106,
  /** Height of tx unknown. */
  NoTxHeight: 107,
  /** Index of tx unknown. */
  NoTxIndex: 108,
  /** Tx unknown; also "proposal has no tx" and "RawTransaction without variant". */
  NoTransaction: 109,
  /** Height for hash unknown (also used for missing hash by height). */
  NoBlockHeight: 110,
  /** Unused. */
  NoBlockHash: 111,
  /** Proposal missing. */
  NoneProposal: 112,
  NoneBlockBody: 113,
  NoneBlockHeader: 114,
  NoneChainStatus: 115,
  NoneWitness: 116,
  NoneTransaction: 117,
  NoneUtxo: 118,
  NoneRawTx: 119,
  /** Peer status not newer than the recorded one. */
  EarlyStatus: 120,
  ExecuteError: 121,
  EncodeError: 122,
  DecodeError: 123,
  /** No own proposal. */
  NoCandidate: 124,
  /** Unused. */
  NoEarlyStatus: 125,
  /** Proposal without block at commit. */
  NoForkTree: 126,
  /** Already in pool. */
  DupTransaction: 127,
  ProposalTooHigh: 128,
  ProposalTooLow: 129,
  ProposalCheckError: 130,
  ConsensusProposalCheckError: 131,
  /** Prevhash mismatch of synced block. */
  BlockCheckError: 132,
  CSISigCheckError: 133,
  /** Peer has other version / chain id. */
  VersionOrIdCheckError: 134,
  HashCheckError: 135,
  HashLenError: 136,
  SigLenError: 137,
  SigCheckError: 138,
  NodeInSyncMode: 139,
  /** Tx already in a recent block. */
  HistoryDupTx: 140,
  EmergencyBrake: 141,
  InvalidVersion: 142,
  InvalidTo: 143,
  InvalidNonce: 144,
  InvalidValidUntilBlock: 145,
  /** Also storage: bad value length. */
  InvalidValue: 146,
  InvalidChainId: 147,
  /** Utxo witness count is not 1. */
  InvalidWitness: 148,
  InvalidLockId: 149,
  InvalidPreHash: 150,
  /** Utxo sender is not admin. */
  AdminCheckError: 151,
  ModuleNotController: 152,
  /** 6.7: the quota of a transaction is above the limit. */
  QuotaUsedExceed: 153,
  /**
   * Ours: no room for a transaction, try again later. Users get a gRPC status instead; the network
   * service of this node sees the number as the outcome of a message of a peer.
   */
  PoolFull: 158,
  ConsensusServerNotReady: 200,
  ProposalProofError: 201,
  KmsServerNotReady: 300,
  NoneHashResult: 301,
  /** Numbers 302..304 changed meaning. */
  NotFoundAccount: 302,
  ConstructSigError: 303,
  ConstructKeyPairError: 304,
  SignError: 305,
  InsertAccountError: 306,
  NetworkServerNotReady: 400,
  SendMsgError: 401,
  BroadcastMsgError: 402,
  MultiAddrParseError: 403,
  DialNodeFail: 404,
  AddExistedPeer: 405,
  ExecuteServerNotReady: 500,
  InternalChannelDisconnected: 501,
  /** Same block executed before. */
  ReenterBlock: 502,
  /** Different block at an executed height. */
  ReenterInvalidBlock: 503,
  StorageServerNotReady: 600,
  NotFound: 601,
  InvalidRegion: 602,
  InvalidKey: 603,
  BadRegion: 604,
  StoreError: 605,
  LoadError: 606,
  DeleteError: 607,
} as const;

/** One of the known codes. */
export type StatusCode = (typeof StatusCode)[keyof typeof StatusCode];

const NAME_BY_CODE: ReadonlyMap<number, string> = new Map(
  Object.entries(StatusCode).map(([name, code]) => [code, name]),
);

/** The name of a code; an unknown number is named as 6.3.3 reads it, `ConvertIntError`. */
export function statusName(code: number): string {
  return NAME_BY_CODE.get(code) ?? "ConvertIntError";
}

/** Reads a number from the wire: one that is not in the table becomes `ConvertIntError`. */
export function statusFromWire(code: number): StatusCode {
  return NAME_BY_CODE.has(code) ? code as StatusCode : StatusCode.ConvertIntError;
}

/** The code of an optional `common.StatusCode` field; an absent one reads as `NoneStatusCode`. */
export function codeOf(status: { readonly code: number } | undefined): StatusCode {
  return status === undefined ? StatusCode.NoneStatusCode : statusFromWire(status.code);
}

/** A refusal that travels as an exception through layers that have nothing to add to it. */
export class StatusError extends Error {
  override name = "StatusError";

  constructor(readonly code: StatusCode, options?: ErrorOptions) {
    super(statusName(code), options);
  }
}

import assert from "node:assert/strict";
import { StatusCode } from "../../../shared/status/mod.ts";
import { diagnose, STALL_REASONS, type StallFacts, type StallReason } from "./mod.ts";

const validator = (byte: string, isReachable = true, height: bigint | null = null) => ({
  address: byte.repeat(20),
  isReachable,
  height,
});

const ALL = ["0a", "0b", "0c", "0d"].map((byte) => validator(byte));

/** A healthy validator of four whose chain has stood still for a minute for no known reason. */
const STALLED: StallFacts = {
  height: 12n,
  standstillMs: 60_000,
  patienceMs: 12_000,
  away: [],
  calls: {
    get_proposal: { ageMs: 5_000, code: StatusCode.Success },
    check_proposal: { ageMs: 2_000, code: StatusCode.Success },
    commit_block: { ageMs: 60_000, code: StatusCode.Success },
  },
  ahead: null,
  syncTrouble: null,
  isValidator: true,
  validators: ALL,
  quorumCount: 3,
  isBraked: false,
};

const calls = (changes: Partial<StallFacts["calls"]>) => ({
  calls: { ...STALLED.calls, ...changes },
});
const recent = (code: StatusCode) => ({ ageMs: 1_000, code });
const THREE_AWAY = [validator("0a"), validator("0b", false), validator("0c", false, 9n)];

const UNDECIDED = "consensus asks for blocks and decides on none: its log says more";

const CASES: [StallReason, Partial<StallFacts>, string][] = [
  ["none", { standstillMs: 11_999 }, ""],
  ["undecided", {}, UNDECIDED],
  [
    "undecided",
    { isBraked: true },
    `${UNDECIDED}; the emergency brake is on, but it stops transactions only`,
  ],
  [
    "service_away",
    { away: [{ neighbour: "kms", forMs: 42_400 }, { neighbour: "storage", forMs: 3_000 }] },
    "no answer from kms (for 42 s), storage (for 3 s)",
  ],
  [
    "disk",
    calls({ commit_block: recent(StatusCode.StoreError) }),
    "a decided block cannot be committed: StoreError, the disk may be full or broken",
  ],
  [
    "disk",
    { syncTrouble: StatusCode.StoreError },
    "a decided block cannot be committed: StoreError, the disk may be full or broken",
  ],
  [
    "commit_fails",
    calls({ commit_block: recent(StatusCode.ReenterInvalidBlock) }),
    "a decided block cannot be committed: ReenterInvalidBlock",
  ],
  [
    "behind",
    {
      ...calls({ commit_block: recent(StatusCode.ProposalTooHigh) }),
      ahead: { address: "0b".repeat(20), height: 112n, bufferedCount: 0 },
    },
    `this node is 100 blocks behind node(0x${"0b".repeat(20)}) at height 112, ` +
    "no blocks come from it",
  ],
  [
    "behind",
    { ahead: { address: "0b", height: 13n, bufferedCount: 7 }, isValidator: false },
    "this node is 1 blocks behind node(0x0b) at height 13, 7 of its blocks are waiting to be " +
    "applied",
  ],
  [
    "no_quorum",
    { validators: THREE_AWAY },
    `1 of 3 validators are connected, 3 are needed; not connected: 0x${"0b".repeat(20)}, ` +
    `0x${"0c".repeat(20)} (last seen at height 9)`,
  ],
  ["undecided", { validators: [...ALL.slice(1), validator("0a", false)] }, UNDECIDED],
  [
    "read_only",
    { validators: THREE_AWAY, isValidator: false },
    "this node is no validator and waits for blocks of the validators, 1 of 3 are connected; " +
    `not connected: 0x${"0b".repeat(20)}, 0x${"0c".repeat(20)} (last seen at height 9)`,
  ],
  [
    "read_only",
    { isValidator: false },
    "this node is no validator and waits for blocks of the validators, 4 of 4 are connected",
  ],
  [
    "consensus_silent",
    calls({ get_proposal: null, check_proposal: null, commit_block: null }),
    "consensus answers but has not asked for a block since the start: its log says more",
  ],
  [
    "consensus_silent",
    calls({
      get_proposal: { ageMs: 30_000, code: StatusCode.Success },
      check_proposal: { ageMs: 90_000, code: StatusCode.Success },
    }),
    "consensus answers but has not asked for a block for 30 s: its log says more",
  ],
  [
    "proposal_refused",
    calls({ get_proposal: recent(StatusCode.NodeInSyncMode) }),
    "this node cannot propose a block: NodeInSyncMode",
  ],
  ["undecided", calls({ get_proposal: recent(StatusCode.NoTransaction) }), UNDECIDED],
  [
    "proposal_refused",
    calls({ check_proposal: recent(StatusCode.ProposalCheckError) }),
    "this node refuses the proposals of others: ProposalCheckError",
  ],
  // answers about the block before count for nothing
  [
    "undecided",
    calls({ commit_block: { ageMs: 61_000, code: StatusCode.StoreError } }),
    UNDECIDED,
  ],
];

for (const [index, [reason, changes, sentence]] of CASES.entries()) {
  Deno.test(`diagnose() finds ${reason}, case ${index}`, () => {
    assert.deepEqual(diagnose({ ...STALLED, ...changes }), { reason, sentence });
  });
}

Deno.test("diagnose() has a case for every reason", () => {
  assert.deepEqual(new Set(CASES.map(([reason]) => reason)), new Set(STALL_REASONS));
});

Deno.test("diagnose() names a limited number of validators", () => {
  const validators = Array.from({ length: 100 }, (_, i) => validator(`${i}`, false));
  const { sentence } = diagnose({ ...STALLED, validators });
  assert.match(sentence, / and 90 more$/);
  assert(sentence.length < 1_000);
});

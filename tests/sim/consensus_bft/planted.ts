import { AssertionError } from "node:assert/strict";
import { fromHex, toHex } from "../../../shared/bytes/mod.ts";
import { hashHex, voterOf } from "../../../services/consensus/bft/core/crypto.ts";
import type { Input } from "../../../services/consensus/bft/core/interface.ts";
import type { Machine } from "../../../services/consensus/bft/core/machine.ts";
import {
  decodeLeaderVote,
  decodeSignedProposal,
  decodeSignedVote,
  isNil,
  MessageType,
  Step,
} from "../../../services/consensus/bft/core/messages.ts";
import { isForBlock, pledgeAt } from "../../../services/consensus/bft/core/own_votes.ts";
import { certificateOf } from "../../../services/consensus/bft/core/proof.ts";
import { enterHeight } from "../../../services/consensus/bft/core/rounds.ts";
import { FAKE_CRYPTO } from "../../../services/consensus/testing/fake_crypto.ts";
import { betrayedShape, ChaosRun, honestShape } from "./chaos.ts";
import { believing } from "./credulity.ts";
import { scriptOf } from "./planner.ts";
import type { Script } from "./script.ts";
import type { SimNode } from "./sim_node.ts";

/** A mistake that implementations of the protocol have made, and how a node is made to make it. */
export interface Defect {
  readonly name: string;
  /** Whether it takes a traitor to do harm. */
  readonly needsTraitor?: boolean;
  /** Whether so few nets show it that looking for one takes long. */
  readonly isRare?: boolean;
  readonly plant: (node: SimNode) => void;
}

/** Runs something on the state machine of a node right before each of its inputs. */
function beforeInput(spoil: (machine: Machine, input: Input) => void): Defect["plant"] {
  return (node) => {
    const post = node.post.bind(node);
    node.post = (input) => {
      // the view is the machine itself, which nobody else may touch
      if (node.core !== null) spoil(node.core.view as Machine, input);
      post(input);
    };
  };
}

/** As {@linkcode beforeInput}, when it is a message of one type. */
function beforeMessage(
  type: MessageType,
  spoil: (machine: Machine, body: Uint8Array) => void,
): Defect["plant"] {
  return beforeInput((machine, input) => {
    if (input.kind === "message" && input.type === type) spoil(machine, input.body);
  });
}

/** Heights that a net with a mistake gets to decide in chaos; more when it hardly ever shows. */
const HEIGHTS = 30;
const HEIGHTS_IF_RARE = 150;

/** Mistakes of the reference (spec/consensus.md, section 8) and of its kind. */
export const DEFECTS: readonly Defect[] = [
  {
    name: "a node votes for another block than the one that it is locked on",
    plant: beforeInput((machine) => machine.lock = null),
  },
  {
    name: "the unsigned news that a round has no block ends a lock",
    plant: beforeMessage(MessageType.LeaderPrevote, (machine, body) => {
      const news = decodeLeaderVote(body);
      if (news !== null && isNil(news.hash)) machine.lock = null;
    }),
  },
  {
    name: "the claim of a later quorum ends a lock without a proof",
    isRare: true,
    needsTraitor: true,
    plant: beforeMessage(MessageType.Proposal, (machine, body) => {
      const claimed = decodeSignedProposal(body)?.proposal.proposed.lockRound ?? null;
      if (claimed !== null && machine.lock !== null && claimed > machine.lock.round) {
        machine.lock = null;
      }
    }),
  },
  {
    name: "votes are sent before they are on disk",
    plant: (node) => node.disk.append = () => {},
  },
  {
    name: "a configuration that is told again starts the height again",
    plant: beforeInput((machine, input) => {
      if (input.kind !== "reconfigure" || !machine.isVoting) return;
      const { height } = input.configuration;
      if (height + 1n === machine.height) enterHeight(machine, machine.height);
    }),
  },
  {
    name: "an order that comes late makes a node forget what it voted since",
    plant: beforeInput((machine, input) => {
      if (input.kind !== "reconfigure" || !machine.isRunning) return;
      const next = input.configuration.height + 1n;
      if (next < machine.workingHeight) enterHeight(machine, next);
    }),
  },
  {
    name: "a restarted node precommits what it prevoted for, without a quorum",
    isRare: true,
    plant: precommitAfterRestart,
  },
  {
    name: "half of the validators and one more are a quorum",
    plant: beforeInput((machine) => {
      machine.isQuorum = (count) => 2 * count > machine.validators.length;
    }),
  },
  {
    name: "a quorum of prevotes decides",
    plant: beforeInput((machine) => {
      if (machine.step === Step.PrecommitWait) machine.certificate ??= machine.polka;
    }),
  },
  {
    name: "a proof grows while its commit is repeated",
    plant: beforeMessage(MessageType.Precommit, growProof),
  },
  {
    name: "the data of a proposal is not compared with its hash",
    needsTraitor: true,
    plant: trustHashes,
  },
  {
    name: "an empty list of earlier validators lets one signature prove a block",
    needsTraitor: true,
    plant: believing("quorum"),
  },
  {
    name: "a quorum of prevotes proves a block",
    needsTraitor: true,
    plant: believing("step"),
  },
  {
    name: "a proof counts one validator as often as it signed",
    needsTraitor: true,
    plant: believing("distinct"),
  },
  {
    name: "a proof holds for whatever data",
    needsTraitor: true,
    plant: believing("data"),
  },
  {
    name: "bytes behind a proof are ignored, and stored",
    needsTraitor: true,
    plant: believing("encoding"),
  },
];

function precommitAfterRestart(node: SimNode): void {
  let isRestarted = false;
  const crash = node.crash.bind(node);
  node.crash = () => {
    isRestarted = true;
    crash();
  };
  const precommit = beforeInput((machine) => {
    const prevote = pledgeAt(machine, machine.at, Step.Prevote)?.vote;
    if (!isRestarted || prevote === undefined || !isForBlock(prevote)) return;
    isRestarted = false;
    machine.polka ??= certificateOf({ ...prevote }, []);
  });
  precommit(node);
}

/** Adds a late precommit to the proof that a leader is about to store. */
function growProof(machine: Machine, body: Uint8Array): void {
  const { certificate } = machine;
  const signed = decodeSignedVote(body);
  const voter = signed === null ? null : voterOf(machine.crypto, signed);
  if (certificate === null || signed === null || voter === null) return;
  const { vote } = signed;
  const isLate = machine.step === Step.Commit && vote.round === certificate.round &&
    vote.height === certificate.height && vote.hash === certificate.hash;
  if (!isLate || certificate.votesBySender.some(([sender]) => sender === voter)) return;
  const { height, round, hash, votesBySender } = certificate;
  const at = { height, round, step: Step.Precommit, hash };
  machine.certificate = certificateOf(at, [...votesBySender, [voter, signed]]);
}

/** Takes the hash that a proposal names for that of its data. */
function trustHashes(node: SimNode): void {
  const claimed = new Map<string, string>();
  const hash = (data: Uint8Array) => {
    const text = claimed.get(toHex(data));
    return text === undefined ? FAKE_CRYPTO.hash(data) : fromHex(text);
  };
  const trust = beforeMessage(MessageType.Proposal, (machine, body) => {
    const proposal = decodeSignedProposal(body)?.proposal;
    if (proposal === undefined) return;
    const { raw, proposed } = proposal;
    if (hashHex(FAKE_CRYPTO, raw) !== proposed.hash) claimed.set(toHex(raw), proposed.hash);
    Object.assign(machine, { crypto: { ...FAKE_CRYPTO, hash } });
  });
  trust(node);
}

/** The script of a seed that a mistake has to show in. */
export function defectScript({ needsTraitor, isRare }: Defect, seed: number): Script {
  const shape = needsTraitor ? betrayedShape(seed) : honestShape(seed);
  return scriptOf(seed, shape, isRare ? HEIGHTS_IF_RARE : HEIGHTS);
}

/** What harm is noticed when every node makes a mistake, or none; null when there is none. */
export function violationOf(script: Script, defect: Defect | null): string | null {
  const run = new ChaosRun(script);
  if (defect !== null) { for (const node of run.net.nodes) defect.plant(node); }
  try {
    return run.run().isRecovered ? null : "the chain does not grow again";
  } catch (error) {
    if (error instanceof AssertionError) return error.message;
    throw error;
  }
}

/** Whether a net of a seed, in which every node makes a mistake, comes to harm that is noticed. */
export function isFound(defect: Defect, seed: number): boolean {
  return violationOf(defectScript(defect, seed), defect) !== null;
}

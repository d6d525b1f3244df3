import { AssertionError } from "node:assert/strict";
import { allMembers, membersOf } from "../../../services/consensus/raft/core/conf_change.ts";
import type { Ready } from "../../../services/consensus/raft/core/interface.ts";
import type { Machine } from "../../../services/consensus/raft/core/machine.ts";
import {
  EntryType,
  isConfChange,
  type Message,
  MessageType,
} from "../../../services/consensus/raft/core/messages.ts";
import { quorumIndex } from "../../../services/consensus/raft/core/quorum.ts";
import type { RaftCore } from "../../../services/consensus/raft/core/raft.ts";
import { Kind } from "../../../services/consensus/raft/log/operation.ts";
import { RaftLogError } from "../../../services/consensus/raft/log/state.ts";
import { InvariantError } from "../../../shared/assert/mod.ts";
import { groupScript, RaftChaos } from "./chaos.ts";
import type { RaftNode } from "./raft_node.ts";
import type { RaftScript } from "./script.ts";

/** A mistake that implementations of raft have made, and how a node is made to make it. */
export interface Defect {
  readonly name: string;
  readonly plant: (node: RaftNode) => void;
}

/** The state machine of a core, which nobody else may touch. */
function machineOf(core: RaftCore): Machine {
  return core.view as Machine;
}

/** Changes the core of every life of a node. */
function spoilCore(spoil: (core: RaftCore) => void): Defect["plant"] {
  return (node) => node.spoil = spoil;
}

/** Changes the state machine of every life of a node. */
function spoilMachine(spoil: (machine: Machine) => void): Defect["plant"] {
  return spoilCore((core) => spoil(machineOf(core)));
}

/** Changes what the core wants done. */
function spoilReady(spoil: (ready: Ready) => Ready): Defect["plant"] {
  return spoilCore((core) => {
    const take = core.ready.bind(core);
    core.ready = () => {
      const ready = take();
      return ready && spoil(ready);
    };
  });
}

/** Lets messages of some kinds leave before what they rely on is stored. */
function sendEarly(...kinds: readonly MessageType[]): Defect["plant"] {
  const isEarly = ({ msgType }: Message) => kinds.includes(msgType);
  return spoilReady((ready) => ({
    ...ready,
    messages: [...ready.messages, ...ready.persistedMessages.filter(isEarly)],
    persistedMessages: ready.persistedMessages.filter((message) => !isEarly(message)),
  }));
}

/** Does something to the state machine before each message and after it. */
function aroundStep(spoil: (machine: Machine, message: Message) => void): Defect["plant"] {
  return spoilCore((core) => {
    const step = core.step.bind(core);
    core.step = (message) => {
      spoil(machineOf(core), message);
      const isPlausible = step(message);
      spoil(machineOf(core), message);
      return isPlausible;
    };
  });
}

/** Mistakes of the reference (spec/consensus.md, section 13) and of its kind. */
export const DEFECTS: readonly Defect[] = [
  {
    name: "the entry that leaves a joint configuration is skipped (13.1)",
    plant: spoilCore((core) => {
      const applied = core.applied.bind(core);
      core.applied = (entry, data) => {
        const isSkipped = isConfChange(entry) && entry.data.length === 0;
        applied(isSkipped ? { ...entry, entryType: EntryType.ENTRY_NORMAL } : entry, data);
      };
    }),
  },
  {
    name: "an entry that could not be applied counts as applied (13.2)",
    plant: ({ application }) => {
      const apply = application.apply.bind(application);
      application.apply = (entry, isFailing) => {
        apply(entry, isFailing);
        return true;
      };
    },
  },
  {
    name: "term and vote are not stored (13.3)",
    plant: ({ disk }) => {
      const load = disk.load.bind(disk);
      disk.load = () => {
        const { hardState, start, entries, ...rest } = load();
        const term = entries.at(-1)?.term ?? start.term;
        return { ...rest, start, entries, hardState: { ...hardState, term, vote: 0n } };
      };
    },
  },
  {
    name: "a conf change that is refused while another one is not applied counts as made (13.13)",
    plant: spoilCore((core) => {
      const propose = core.proposeConfChange.bind(core);
      const applied = core.applied.bind(core);
      let madeIn: bigint | null = null;
      core.proposeConfChange = (change) => {
        if (madeIn !== core.view.term) propose(change);
        madeIn = core.view.term;
        return true;
      };
      core.applied = (entry, data) => {
        if (isConfChange(entry)) madeIn = null;
        applied(entry, data);
      };
      Object.defineProperty(core, "canProposeConfChange", { value: true });
    }),
  },
  {
    name: "a vote is sent before it is stored",
    plant: sendEarly(MessageType.REQUEST_VOTE, MessageType.REQUEST_VOTE_RESPONSE),
  },
  {
    name: "entries are acknowledged before they are stored",
    plant: sendEarly(MessageType.APPEND_RESPONSE),
  },
  {
    name: "a leader counts its own copy of an entry before it is stored",
    plant: aroundStep(({ role, progress, id, log }) => {
      if (role === "leader") progress.get(id)?.accepted(log.lastIndex);
    }),
  },
  {
    name: "the hard state is stored before the entries that it commits",
    plant: ({ disk }) => {
      const write = disk.write.bind(disk);
      const isLate = ({ kind }: { kind: number }) => kind === Kind.Append;
      disk.write = (operations) => {
        write(operations.filter((operation) => !isLate(operation)));
        write(operations.filter(isLate));
      };
    },
  },
  {
    name: "what is applied is stored without the members",
    plant: ({ disk }) => {
      const write = disk.write.bind(disk);
      disk.write = (operations) => write(operations.filter(({ kind }) => kind !== Kind.ConfState));
    },
  },
  {
    name: "an entry of an older term is committed by counting its copies",
    plant: aroundStep(({ role, deciders, progress, log }) => {
      if (role !== "leader") return;
      log.commitTo(quorumIndex(deciders, (id) => progress.get(id)?.matched ?? 0n));
    }),
  },
  {
    name: "a vote is given to a log that is behind",
    plant: spoilMachine(({ log }) => log.isUpToDate = () => true),
  },
  {
    name: "a follower commits what its leader has, whether or not its own log agrees",
    plant: aroundStep(({ role, log, term }, message) => {
      const isAppend = message.msgType === MessageType.APPEND && message.term === term;
      if (role === "follower" && isAppend) {
        log.commitTo(message.commit < log.lastIndex ? message.commit : log.lastIndex);
      }
    }),
  },
  {
    name: "a snapshot that does not name the node is ignored",
    plant: spoilCore((core) => {
      const step = core.step.bind(core);
      core.step = (message) => {
        const confState = message.snapshot?.metadata?.confState;
        if (confState && !allMembers(membersOf(confState)).has(core.view.id)) return true;
        return step(message);
      };
    }),
  },
  {
    name: "a joint configuration needs a majority of its new voters only",
    plant: spoilMachine((machine) =>
      Object.defineProperty(machine, "deciders", {
        get: () => ({ ...machine.electorate ?? machine.members, votersOutgoing: new Set() }),
      })
    ),
  },
  {
    name: "a candidate counts votes by the members that it has applied",
    plant: spoilMachine((machine) => machine.setElectorate = () => {}),
  },
];

/** Enough for a mistake to do harm in some of the groups. */
const HEIGHTS = 100;

/** The script of a seed that a mistake may show in. */
export function defectScript(seed: number): RaftScript {
  return groupScript(seed, seed % 4 < 2 ? 3 : 5, HEIGHTS);
}

/** What came of a group all of whose nodes make a mistake, or none. */
interface Outcome {
  /** What harm is noticed; null when there is none. */
  readonly violation: string | null;
  /** The troubles that came, as a script keeps them. */
  readonly troubles: readonly string[];
}

/** Runs a group through a script. */
export function suffer(script: RaftScript, defect: Defect | null): Outcome {
  const chaos = new RaftChaos(script);
  if (defect !== null) { for (const node of chaos.net.nodes) defect.plant(node); }
  const { came: troubles } = chaos.troubles;
  try {
    chaos.run();
    return { violation: null, troubles };
  } catch (error) {
    const isViolation = error instanceof AssertionError || error instanceof InvariantError ||
      error instanceof RaftLogError;
    if (!isViolation) throw error;
    return { violation: error.message, troubles };
  }
}

/** Whether a group of a seed, in which every node makes a mistake, comes to harm that is noticed. */
export function isFound(defect: Defect, seed: number): boolean {
  return suffer(defectScript(seed), defect).violation !== null;
}

import { Consensus2ControllerServiceService } from "../../proto/gen/controller.ts";
import { ConsensusConfiguration, type Proposal } from "../../proto/gen/common.ts";
import { type Bytes, EMPTY_BYTES, equalBytes } from "../../shared/bytes/mod.ts";
import { encode } from "../../shared/codec/mod.ts";
import type { Logger } from "../../shared/log/mod.ts";
import { connect, type RpcClient } from "../../shared/rpc/mod.ts";
import { codeOf, StatusCode, statusName } from "../../shared/status/mod.ts";
import { Link } from "./link.ts";

/** A value, or the reason why there is none. */
export interface Outcome<Value> {
  readonly value: Value | null;
  readonly reason: string;
}

/** What consensus asks of the controller (spec/consensus.md, section 1.2); no call ever throws. */
export interface ControllerPort {
  /** The own block to propose. */
  getProposal(): Promise<Outcome<Proposal>>;
  /** The controller's verdict; null when it does not answer. */
  checkProposal(proposal: Proposal): Promise<number | null>;
  /** Finalises a block; the value is the configuration for the next height. */
  commitBlock(proposal: Proposal, proof: Bytes): Promise<Outcome<ConsensusConfiguration>>;
  /** The controller's height and configuration, changing nothing; null when it does not tell. */
  queryConfiguration(): Promise<ConsensusConfiguration | null>;
  close(): void;
}

// A block may hold tens of thousands of transactions whose signatures are to be checked.
const GET_PROPOSAL_DEADLINE_MS = 30_000;
const CHECK_PROPOSAL_DEADLINE_MS = 60_000;
const COMMIT_DEADLINE_MS = 120_000;
const QUERY_DEADLINE_MS = 5_000;

/** A height that no chain reaches: asking to commit it is a question for the configuration. */
const QUERY_HEIGHT = 0xffff_ffff_ffff_ffffn;

/** Connects to the controller of this host; a restarted one is found again. */
export function connectController(port: number, log: Logger): ControllerPort {
  return new GrpcControllerPort(
    connect(Consensus2ControllerServiceService, { port, clientName: "consensus" }),
    log,
  );
}

class GrpcControllerPort implements ControllerPort {
  readonly #link: Link;

  constructor(
    readonly client: RpcClient<Consensus2ControllerServiceService>,
    readonly log: Logger,
  ) {
    this.#link = new Link("controller", log);
  }

  async getProposal(): Promise<Outcome<Proposal>> {
    this.log.info("consensus to controller : GetProposalReq ");
    const response = await this.#link.call(() =>
      this.client.getProposal({}, { deadlineMs: GET_PROPOSAL_DEADLINE_MS })
    );
    if (response === null) return { value: null, reason: "it does not answer" };
    const { proposal } = response;
    const code = codeOf(response.status);
    // an empty block comes with the status NoTransaction
    const isGiven = code === StatusCode.Success || code === StatusCode.NoTransaction;
    if (!isGiven) return { value: null, reason: statusName(code) };
    if (proposal === undefined) return { value: null, reason: "it sent no proposal" };
    this.log.info(`recv from controller, GetProposalRes height ${proposal.height}`);
    return { value: proposal, reason: "" };
  }

  async checkProposal(proposal: Proposal): Promise<number | null> {
    const response = await this.#link.call(() =>
      this.client.checkProposal(proposal, { deadlineMs: CHECK_PROPOSAL_DEADLINE_MS })
    );
    return response?.code ?? null;
  }

  async commitBlock(proposal: Proposal, proof: Bytes): Promise<Outcome<ConsensusConfiguration>> {
    this.log.info(`consensus to controller : CommitBlock height ${proposal.height}`);
    const response = await this.#link.call(() =>
      this.client.commitBlock({ proposal, proof }, { deadlineMs: COMMIT_DEADLINE_MS })
    );
    if (response === null) return { value: null, reason: "it does not answer" };
    const code = codeOf(response.status);
    // a refusal carries a configuration too, which means nothing
    if (code !== StatusCode.Success) return { value: null, reason: statusName(code) };
    return { value: response.config ?? null, reason: "it sent no configuration" };
  }

  async queryConfiguration(): Promise<ConsensusConfiguration | null> {
    const asked = await this.#askConfiguration();
    if (asked === null || asked.isExact) return asked?.config ?? null;
    // 6.3.3 refuses, names the validators all the same, and tells its height only this way
    const { value } = await this.getProposal();
    // a block that was stored meanwhile may have changed the validators: which height they are of?
    const askedAgain = value === null ? null : await this.#askConfiguration();
    if (value === null || askedAgain === null) return null;
    const isSame = equalBytes(bytesOf(asked.config), bytesOf(askedAgain.config));
    return isSame ? { ...asked.config, height: value.height - 1n } : null;
  }

  /** The configuration, and whether the controller says of which height it is. */
  async #askConfiguration() {
    const question = { proposal: { height: QUERY_HEIGHT, data: EMPTY_BYTES }, proof: EMPTY_BYTES };
    const response = await this.#link.call(() =>
      this.client.commitBlock(question, { deadlineMs: QUERY_DEADLINE_MS })
    );
    const config = response?.config;
    if (config === undefined) return null;
    const isAccepted = codeOf(response?.status) === StatusCode.Success;
    return { config, isExact: isAccepted && config.height < QUERY_HEIGHT };
  }

  close(): void {
    this.client.close();
  }
}

/** All that two answers can differ in. */
function bytesOf(configuration: ConsensusConfiguration): Bytes {
  return encode(ConsensusConfiguration, configuration);
}

import { type Bytes, toHex } from "../../../shared/bytes/mod.ts";
import { hashHex, voterOf } from "../../../services/consensus/bft/core/crypto.ts";
import {
  decodeLeaderVote,
  encodeLeaderVote,
  Step,
} from "../../../services/consensus/bft/core/messages.ts";
import type { ValidatorList } from "../../../services/consensus/bft/core/validators.ts";
import { FAKE_CRYPTO } from "../../../services/consensus/testing/fake_crypto.ts";
import type { SimNode } from "./sim_node.ts";

/** What is to be checked of a proof. */
export type ProofRule = "data" | "step" | "distinct" | "quorum" | "encoding";

/** Makes nodes leave out one rule when they judge a proof. */
export function believing(omitted: ProofRule): (node: SimNode) => void {
  return (node) => {
    const checkBlock = node.checkBlock.bind(node);
    node.checkBlock = (height, data, proof) => {
      const code = checkBlock(height, data, proof);
      const validators = node.core?.view.validators ?? [];
      if (code === 0 || code === null) return code;
      return brokenRules({ data, proof }, validators).every((rule) => rule === omitted) ? 0 : code;
    };
  };
}

/** The rules that a proof breaks; all of them when its votes are not of validators. */
function brokenRules(
  { data, proof }: { readonly data: Bytes; readonly proof: Bytes },
  validators: ValidatorList,
): (ProofRule | "signers")[] {
  const leaderVote = decodeLeaderVote(proof);
  if (leaderVote === null || leaderVote.votes.length === 0) return ["signers"];
  const { votes } = leaderVote;
  const signers = votes.map((signed) => voterOf(FAKE_CRYPTO, signed) ?? "");
  const rules = {
    signers: signers.every((signer) => validators.includes(signer)),
    data: leaderVote.hash === hashHex(FAKE_CRYPTO, data),
    step: votes.every(({ vote }) => vote.step === Step.Precommit),
    distinct: new Set(signers).size === signers.length,
    quorum: 3 * signers.length > 2 * validators.length,
    encoding: toHex(encodeLeaderVote(leaderVote)) === toHex(proof),
  };
  return (Object.keys(rules) as (keyof typeof rules)[]).filter((rule) => !rules[rule]);
}

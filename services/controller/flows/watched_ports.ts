import { StatusCode } from "../../../shared/status/mod.ts";
import type { Ports } from "../ports.ts";
import type { Neighbour } from "../stall/mod.ts";
import type { Activity } from "./activity.ts";

/** The ports, noting which neighbours answer. */
export function watchPorts(ports: Ports, activity: Activity): Ports {
  const { storage, executor, kms, consensus, network, wal, journal } = ports;
  const byCode = (neighbour: Neighbour) => async (call: Promise<StatusCode>) => {
    const code = await call;
    activity.answered(neighbour, code);
    return code;
  };
  const byAnswer =
    (neighbour: Neighbour) =>
    async <Answer extends { readonly code: StatusCode }>(call: Promise<Answer>) => {
      const answer = await call;
      activity.answered(neighbour, answer.code);
      return answer;
    };
  const byPresence = async <Answer>(call: Promise<Answer | null>) => {
    const answer = await call;
    const isAway = answer === null;
    activity.answered("network", isAway ? StatusCode.NetworkServerNotReady : StatusCode.Success);
    return answer;
  };
  const [kmsCode, kmsAnswer] = [byCode("kms"), byAnswer("kms")];
  const [networkCode, consensusCode] = [byCode("network"), byCode("consensus")];
  const [storageCode, storageAnswer] = [byCode("storage"), byAnswer("storage")];
  const executorAnswer = byAnswer("executor");
  return {
    storage: {
      load: (region, key) => storageAnswer(storage.load(region, key)),
      store: (record) => storageCode(storage.store(record)),
    },
    executor: { exec: (block) => executorAnswer(executor.exec(block)) },
    kms: {
      cryptoInfo: () => kmsAnswer(kms.cryptoInfo()),
      sign: (hash) => kmsAnswer(kms.sign(hash)),
      recover: (hash, signature) => kmsAnswer(kms.recover(hash, signature)),
      checkTransactions: (transactions) => kmsCode(kms.checkTransactions(transactions)),
    },
    consensus: {
      reconfigure: (config) => consensusCode(consensus.reconfigure(config)),
      checkBlock: (block) => consensusCode(consensus.checkBlock(block)),
    },
    network: {
      register: () => networkCode(network.register()),
      send: (origin, type, payload) => networkCode(network.send(origin, type, payload)),
      broadcast: (type, payload) => networkCode(network.broadcast(type, payload)),
      addNode: (node) => networkCode(network.addNode(node)),
      peerCount: () => byPresence(network.peerCount()),
      peersNetInfo: () => byPresence(network.peersNetInfo()),
    },
    wal,
    journal,
  };
}

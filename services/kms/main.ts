import { runService } from "../../shared/service/mod.ts";
import { CRYPTO_ETH_TABLE, KMS_ETH_TABLE } from "./eth/config.ts";
import { cryptoFlavour, kmsFlavour } from "./flavours.ts";
import { CRYPTO_SM_TABLE, KMS_SM_TABLE } from "./sm/config.ts";

await runService({
  role: "kms",
  about: "Keeps the keys of a node: hashes, signs, and checks signatures.",
  flavours: {
    kms_sm: kmsFlavour("sm", KMS_SM_TABLE),
    kms_eth: kmsFlavour("eth", KMS_ETH_TABLE),
    crypto_sm: cryptoFlavour("sm", CRYPTO_SM_TABLE),
    crypto_eth: cryptoFlavour("eth", CRYPTO_ETH_TABLE),
  },
});

import { testEngineContract } from "../../testing/engine_contract.ts";
import { MemoryEngine } from "./engine.ts";

testEngineContract("MemoryEngine", () =>
  Promise.resolve({
    open: () => Promise.resolve(new MemoryEngine()),
    dispose: () => Promise.resolve(),
  }));

/**
 * The process around a service: command line, configuration, logging, signals, exit codes.
 *
 * @module
 */

export { gitVersion } from "./build_info.ts";
export {
  chooseFlavour,
  type CommandArgument,
  type CommandOption,
  type CommandValues,
  type Flavour,
  type FlavourChoice,
  type Flavours,
  type OfflineCommand,
  type OfflineContext,
  type PlainCommand,
  type RunningService,
  type ServiceContext,
} from "./flavour.ts";
export { lockFolder } from "./lock_folder.ts";
export { METRICS_KEYS, type MetricsConfig, ServiceMetrics } from "./service_metrics.ts";
export { runService, type ServiceDescription } from "./run.ts";
export { explained, runUntilStopped, type ServiceProcess, StartRefusal } from "./process.ts";

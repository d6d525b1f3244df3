/** Levels that a log4rs file may name, in any case. */
export const LOG_LEVELS: readonly string[] = ["off", "error", "warn", "info", "debug", "trace"];

/** The log4rs file of a service (spec/cloud_config.md, section 9), with the node's log level. */
export function formatLogFile(role: string, level: string): string {
  return `# Logging of the ${role} service; read again at the refresh rate
refresh_rate: 30 seconds

appenders:
  # the terminal
  stdout:
    kind: console

  # a file, packed and numbered when it is full
  journey-service:
    kind: rolling_file
    path: "logs/${role}-service.log"
    policy:
      kind: compound
      trigger:
        kind: size
        limit: 50mb
      roller:
        kind: fixed_window
        base: 1
        count: 5
        pattern: "logs/${role}-service.{}.gz"

root:
  level: ${level}
  appenders:
    - stdout
    - journey-service
`;
}

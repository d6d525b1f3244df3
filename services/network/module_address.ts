/** Where a module of this node takes messages. */
export interface ModuleAddress {
  readonly host: string;
  readonly port: number;
}

/** A name, an IPv4 address, or an IPv6 address without or with brackets. */
const HOST =
  /^(?:[0-9A-Za-z_](?:[0-9A-Za-z_.-]{0,252})|\[?(?=[^:]*:[^:]*:)[0-9A-Fa-f:.]{2,45}\]?)$/;

/** Reads what a module registers; null when it is no host or no port in 1..65535. */
export function parseModuleAddress(host: string, port: string): ModuleAddress | null {
  if (!HOST.test(host) || !/^[0-9]{1,5}$/.test(port)) return null;
  const number = Number(port);
  if (number < 1 || number > 65_535) return null;
  return { host: host.replace(/^\[(.*)\]$/, "$1"), port: number };
}

import { describeState, nodeRssKib, type NodeStatus } from "./status.ts";

const COLUMNS = ["node", "height", "round", "peers", "txs", "rss MiB"] as const;

function cellsOf(status: NodeStatus): string[] {
  const { node, tip } = status;
  const rssMib = Math.round(nodeRssKib(status) / 1024);
  return [
    node.index,
    tip?.height ?? "-",
    tip?.round ?? "-",
    tip?.peers ?? "-",
    tip?.txs ?? "-",
    rssMib,
  ].map(String);
}

/** The nodes as lines of a table, the title first; numbers stand below each other. */
export function renderTable(statuses: readonly NodeStatus[]): string[] {
  const rows: (readonly string[])[] = [COLUMNS, ...statuses.map(cellsOf)];
  const widths = COLUMNS.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0))
  );
  const states = ["state", ...statuses.map(describeState)];
  return rows.map((row, index) => {
    const cells = row.map((cell, column) => cell.padStart(widths[column] ?? 0));
    return [...cells, states[index]].join("  ");
  });
}

/** The nodes in one line, for output that is no terminal. */
export function renderLine(statuses: readonly NodeStatus[]): string {
  const of = (pick: (status: NodeStatus) => unknown) =>
    statuses.map((status) => pick(status) ?? "-").join(" ");
  const rssMib = statuses.reduce((sum, status) => sum + nodeRssKib(status), 0) / 1024;
  const stopped = statuses.filter((status) => describeState(status) !== "running")
    .map((status) => `, node ${status.node.index} ${describeState(status)}`);
  return `height ${of(({ tip }) => tip?.height)}, round ${of(({ tip }) => tip?.round)}, ` +
    `peers ${of(({ tip }) => tip?.peers)}, txs ${of(({ tip }) => tip?.txs)}, ` +
    `rss ${Math.round(rssMib)} MiB${stopped.join("")}`;
}

/** Height of the best node; null when none answers. */
export function bestHeight(statuses: readonly NodeStatus[]): bigint | null {
  let best: bigint | null = null;
  for (const { tip } of statuses) {
    if (tip !== null && (best === null || tip.height > best)) best = tip.height;
  }
  return best;
}

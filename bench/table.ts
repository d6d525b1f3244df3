/** Tables for people. */

/** One line of a benchmark: a figure and its ratio to the baseline of the same run. */
export interface Figure {
  readonly name: string;
  /** Shown with three significant digits. */
  readonly value: number;
  readonly unit: string;
  /** Ratio to the baseline; the baseline itself has 1. */
  readonly ratio?: number;
}

/** Four significant digits at most, thousands separated. */
function showNumber(value: number): string {
  if (!Number.isFinite(value)) return "-";
  const digits = value >= 1000 ? 0 : value >= 10 ? 1 : 3;
  return value.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/** Prints figures as an aligned table under a title. */
export function printFigures(title: string, figures: readonly Figure[]): void {
  const rows = figures.map(({ name, value, unit, ratio }) => [
    name,
    showNumber(value),
    unit,
    showRatio(ratio),
  ]);
  printTable(title, ["operation", "value", "unit", "ratio"], rows);
}

/** One line of a comparison: a figure and what others reach at the same in the same run. */
export interface Comparison {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Ratios to the others, by the names of the columns; those without one are left out. */
  readonly ratios: Readonly<Record<string, number | undefined>>;
}

/** Prints comparisons with one column of ratios for each of the others. */
export function printComparisons(
  title: string,
  others: readonly string[],
  comparisons: readonly Comparison[],
): void {
  const rows = comparisons.map(({ name, value, unit, ratios }) => [
    name,
    showNumber(value),
    unit,
    ...others.map((other) => showRatio(ratios[other]) || "-"),
  ]);
  printTable(title, ["operation", "ours", "unit", ...others.map((other) => `to ${other}`)], rows);
}

/** Prints columns of numbers; counts are shown as they are. */
export function printGrid(
  title: string,
  header: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): void {
  const showCell = (cell: string | number) =>
    typeof cell === "string" ? cell : Number.isInteger(cell) ? String(cell) : showNumber(cell);
  const lines = [header, ...rows.map((row) => row.map(showCell))];
  const widths = header.map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0))
  );
  console.log(`\n${title}`);
  for (const line of lines) {
    console.log(`  ${line.map((cell, column) => cell.padStart(widths[column] ?? 0)).join("  ")}`);
  }
}

/** A ratio to something of the same run. */
export function showRatio(ratio: number | undefined): string {
  return ratio === undefined ? "" : `${ratio.toFixed(2)}x`;
}

/** Columns of numbers, the second one and all behind the third, are aligned to the right. */
function printTable(title: string, header: readonly string[], rows: readonly string[][]): void {
  const widths = header.map((_, column) =>
    Math.max(...[header, ...rows].map((row) => row[column]?.length ?? 0))
  );
  const line = (row: readonly string[]) =>
    row.map((cell, column) => {
      const width = widths[column] ?? 0;
      return column === 1 || column >= 3 ? cell.padStart(width) : cell.padEnd(width);
    }).join("  ").trimEnd();
  console.log(`\n${title}`);
  for (const row of [header, ...rows]) console.log(`  ${line(row)}`);
}

/** A moment in the calendar of a time zone. */
interface CalendarTime {
  readonly timeMs: number;
  /** Minutes east of UTC. */
  readonly offsetMinutes: number;
  /** A date whose UTC fields are the fields in the zone. */
  readonly date: Date;
}

/** Writes a moment, given in milliseconds since the Unix epoch. */
export type TimeFormat = (timeMs: number) => string;

/** The time zone of a format. */
export type TimeZone = "local" | "utc";

/** ISO 8601 with microseconds and offset, log4rs's form of a date without a format. */
export const ISO_8601 = "%Y-%m-%dT%H:%M:%S%.6f%:z";

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  ...["January", "February", "March", "April", "May", "June", "July"],
  ...["August", "September", "October", "November", "December"],
];

const two = (value: number) => String(value).padStart(2, "0");
const milliseconds = ({ date }: CalendarTime) => String(date.getUTCMilliseconds()).padStart(3, "0");
const hour12 = (date: Date) => date.getUTCHours() % 12 || 12;

function offsetText({ offsetMinutes }: CalendarTime, separator: string): string {
  const minutes = Math.abs(offsetMinutes);
  const sign = offsetMinutes < 0 ? "-" : "+";
  return `${sign}${two(Math.floor(minutes / 60))}${separator}${two(minutes % 60)}`;
}

function dayOfYear(date: Date): number {
  return (Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()) -
    Date.UTC(date.getUTCFullYear(), 0, 0)) / 86_400_000;
}

/** The specifiers that stand for a single value; nanoseconds are not known and written as zeros. */
const SPECIFIERS: Readonly<Record<string, (time: CalendarTime) => string>> = {
  "Y": ({ date }) => String(date.getUTCFullYear()).padStart(4, "0"),
  "y": ({ date }) => two(date.getUTCFullYear() % 100),
  "m": ({ date }) => two(date.getUTCMonth() + 1),
  "d": ({ date }) => two(date.getUTCDate()),
  "e": ({ date }) => String(date.getUTCDate()).padStart(2),
  "j": ({ date }) => String(dayOfYear(date)).padStart(3, "0"),
  "H": ({ date }) => two(date.getUTCHours()),
  "I": ({ date }) => two(hour12(date)),
  "l": ({ date }) => String(hour12(date)).padStart(2),
  "M": ({ date }) => two(date.getUTCMinutes()),
  "S": ({ date }) => two(date.getUTCSeconds()),
  "p": ({ date }) => date.getUTCHours() < 12 ? "AM" : "PM",
  "a": ({ date }) => (DAYS[date.getUTCDay()] ?? "").slice(0, 3),
  "A": ({ date }) => DAYS[date.getUTCDay()] ?? "",
  "b": ({ date }) => (MONTHS[date.getUTCMonth()] ?? "").slice(0, 3),
  "B": ({ date }) => MONTHS[date.getUTCMonth()] ?? "",
  "s": ({ timeMs }) => String(Math.floor(timeMs / 1000)),
  "z": (time) => offsetText(time, ""),
  ":z": (time) => offsetText(time, ":"),
  "Z": (time) => offsetText(time, ":"),
  "f": (time) => `${milliseconds(time)}000000`,
  "3f": milliseconds,
  "6f": (time) => `${milliseconds(time)}000`,
  "9f": (time) => `${milliseconds(time)}000000`,
  ".f": (time) => `.${milliseconds(time)}`,
  ".3f": (time) => `.${milliseconds(time)}`,
  ".6f": (time) => `.${milliseconds(time)}000`,
  ".9f": (time) => `.${milliseconds(time)}000000`,
  "n": () => "\n",
  "t": () => "\t",
  "%": () => "%",
};

/** Specifiers that stand for others. */
const COMPOSITES: Readonly<Record<string, string>> = {
  "+": ISO_8601,
  "T": "%H:%M:%S",
  "X": "%H:%M:%S",
  "R": "%H:%M",
  "F": "%Y-%m-%d",
  "D": "%m/%d/%y",
  "x": "%m/%d/%y",
  "h": "%b",
  "c": "%a %b %e %H:%M:%S %Y",
};

/**
 * Compiles a format with the `%` specifiers of strftime.
 *
 * @throws {RangeError} that says what the pattern must be
 */
export function compileTimeFormat(format: string, zone: TimeZone): TimeFormat {
  const expanded = format.replaceAll(
    /%([%+TXRFDxhc])/g,
    (whole, name: string) => COMPOSITES[name] ?? whole,
  );
  const pieces: (string | ((time: CalendarTime) => string))[] = [];
  for (const [whole, name] of expanded.matchAll(/%([.:]?[369]?.)|[^%]+|%/gs)) {
    if (name === undefined && whole !== "%") pieces.push(whole);
    else if (name !== undefined && Object.hasOwn(SPECIFIERS, name)) {
      pieces.push(SPECIFIERS[name] ?? "");
    } else throw new RangeError(`a pattern with known date specifiers (not ${whole})`);
  }
  return (timeMs) => {
    const time = calendarTime(timeMs, zone);
    return pieces.map((piece) => typeof piece === "string" ? piece : piece(time)).join("");
  };
}

function calendarTime(timeMs: number, zone: TimeZone): CalendarTime {
  const offsetMinutes = zone === "utc" ? 0 : -new Date(timeMs).getTimezoneOffset();
  return { timeMs, offsetMinutes, date: new Date(timeMs + offsetMinutes * 60_000) };
}

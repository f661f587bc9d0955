export { intervalMilliseconds } from "./intervals";

/** A closed candle. Prices are in the quote currency, volume in the base currency. */
export interface Candle {
  /** Start of the interval, epoch ms UTC. */
  readonly openTime: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
}

/** Something about a file of candles that its reader may want to know, although it could be put right. */
export interface CandleFinding {
  /** The row stands on the wrong side of an earlier row; the same row is there twice; high or low do not enclose. */
  readonly kind: "out of order" | "duplicate" | "inconsistent";
  /** Line number in the file, from 1. */
  readonly line: number;
  readonly openTime: number;
}

/** The candles of a file, ascending, and what was found about its rows. */
export interface CandleFile {
  readonly candles: Candle[];
  readonly findings: CandleFinding[];
}

interface Layout {
  readonly time: number;
  readonly timeOf: (text: string) => number;
  readonly symbol: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  readonly columns: number;
}

interface Row {
  readonly line: number;
  readonly candle: Candle;
}

/** The candles of a CSV text, ascending; see readCandles. */
export function parseCandles(text: string): Candle[] {
  return readCandles(text).candles;
}

/**
 * Reads the text of a CSV file with candles in either order. Two layouts are known: the columns
 * `open_time_ms,open,high,low,close,volume`, and that of CryptoDataDownload (`date,symbol,open,high,low,close,
 * volume_<base>,volume`, dates such as "2019-10-17 09-AM" in UTC, with or without a line naming the site).
 * @throws Error naming line and value when a row cannot be read, or when two rows disagree about the same time
 */
export function readCandles(text: string): CandleFile {
  const lines = text.split(/\r\n|\n|\r/);
  const rows: Row[] = [];
  let layout: Layout | undefined;
  let symbol: string | undefined;

  for (let index = 0; index < lines.length; index++) {
    const content = lines[index]!.trim();
    const line = index + 1;
    if (content === "") {
      continue;
    }
    const fields = content.split(",");
    if (layout === undefined) {
      layout = layoutOf(fields);
      if (layout === undefined && line > 1) {
        throw new Error(
          `line ${line}: "${content}" is not a known header; known are "open_time_ms,open,high,low,close,volume" ` +
            `and CryptoDataDownload's "date,symbol,open,high,low,close,volume_<base>,volume"`,
        );
      }
      continue;
    }
    if (fields.length !== layout.columns) {
      throw new Error(`line ${line}: ${fields.length} columns instead of ${layout.columns}: "${content}"`);
    }
    if (layout.symbol >= 0) {
      symbol ??= fields[layout.symbol];
      if (fields[layout.symbol] !== symbol) {
        throw new Error(`line ${line}: symbol "${fields[layout.symbol]}", but the rows before are of "${symbol}"`);
      }
    }
    rows.push({ line, candle: candleOf(fields, layout, line) });
  }
  if (rows.length === 0) {
    throw new Error("there are no candles in the file");
  }
  return inOrder(rows);
}

function layoutOf(fields: readonly string[]): Layout | undefined {
  const names = fields.map((field) => field.trim().toLowerCase());
  const epoch = names.indexOf("open_time_ms");
  const base = names.findIndex((name) => name.startsWith("volume_"));
  const layout: Layout = {
    time: epoch >= 0 ? epoch : names.indexOf("date"),
    timeOf: epoch >= 0 ? epochTime : clockTime,
    symbol: names.indexOf("symbol"),
    open: names.indexOf("open"),
    high: names.indexOf("high"),
    low: names.indexOf("low"),
    close: names.indexOf("close"),
    volume: base >= 0 ? base : names.indexOf("volume"),
    columns: fields.length,
  };
  const { time, open, high, low, close, volume } = layout;
  return Math.min(time, open, high, low, close, volume) >= 0 ? layout : undefined;
}

function candleOf(fields: readonly string[], layout: Layout, line: number): Candle {
  const openTime = layout.timeOf(fields[layout.time]!);
  if (!Number.isInteger(openTime)) {
    const form = layout.timeOf === epochTime ? "a time in epoch milliseconds" : 'a date such as "2019-10-17 09-AM"';
    throw new Error(`line ${line}: "${fields[layout.time]}" is not ${form}`);
  }
  return {
    openTime,
    open: price(fields[layout.open]!, "open", line),
    high: price(fields[layout.high]!, "high", line),
    low: price(fields[layout.low]!, "low", line),
    close: price(fields[layout.close]!, "close", line),
    volume: amount(fields[layout.volume]!, "volume", line),
  };
}

function price(text: string, name: string, line: number): number {
  const value = amount(text, name, line);
  if (value === 0) {
    throw new Error(`line ${line}: ${name} "${text}" is not above zero`);
  }
  return value;
}

function amount(text: string, name: string, line: number): number {
  // Number("") is 0, which must not pass for a value.
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) {
    throw new Error(`line ${line}: ${name} "${text}" is not a number`);
  }
  if (value < 0) {
    throw new Error(`line ${line}: ${name} "${text}" is below zero`);
  }
  return value;
}

function epochTime(text: string): number {
  return /^\d{12,14}$/.test(text) ? Number(text) : Number.NaN;
}

function clockTime(text: string): number {
  const match = /^(\d{4}-\d{2}-\d{2}) (0[1-9]|1[0-2])-(AM|PM)$/.exec(text);
  if (match === null) {
    return Number.NaN;
  }
  const hour = (Number(match[2]) % 12) + (match[3] === "PM" ? 12 : 0);
  const time = Date.parse(`${match[1]}T00:00:00Z`) + hour * 3_600_000;
  // Date.parse takes a 31st of February for the 3rd of March.
  return Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== match[1] ? Number.NaN : time;
}

function inOrder(rows: readonly Row[]): CandleFile {
  const direction = rows[0]!.candle.openTime <= rows[rows.length - 1]!.candle.openTime ? 1 : -1;
  const findings: CandleFinding[] = [];
  let furthest = rows[0]!.candle.openTime;
  for (const { line, candle } of rows) {
    const { openTime, open, high, low, close } = candle;
    if ((openTime - furthest) * direction < 0) {
      findings.push({ kind: "out of order", line, openTime });
    } else {
      furthest = openTime;
    }
    if (high < Math.max(open, close) || low > Math.min(open, close)) {
      findings.push({ kind: "inconsistent", line, openTime });
    }
  }

  const sorted = [...rows].sort((one, other) => one.candle.openTime - other.candle.openTime || one.line - other.line);
  const candles: Candle[] = [];
  let previous: Row | undefined;
  for (const row of sorted) {
    if (previous !== undefined && previous.candle.openTime === row.candle.openTime) {
      if (!sameValues(previous.candle, row.candle)) {
        const time = new Date(row.candle.openTime).toISOString();
        throw new Error(`lines ${previous.line} and ${row.line}: different values for the same time ${time}`);
      }
      findings.push({ kind: "duplicate", line: row.line, openTime: row.candle.openTime });
      continue;
    }
    candles.push(row.candle);
    previous = row;
  }
  findings.sort((one, other) => one.line - other.line);
  return { candles, findings };
}

/** Whether two candles of one time hold the same. */
export function sameValues(one: Candle, other: Candle): boolean {
  return (
    one.open === other.open &&
    one.high === other.high &&
    one.low === other.low &&
    one.close === other.close &&
    one.volume === other.volume
  );
}

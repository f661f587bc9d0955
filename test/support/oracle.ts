/**
 * RefStrat_01 and its execution written a second time, plainly and with nothing of the project, to check the project
 * against. Prices are whole ticks of 0.01, quantities whole steps of 0.00001, money whole units of 0.00000001; all of
 * them integers, so that rounding is integer division.
 */
export interface OracleParameters {
  fast: number;
  slow: number;
  atr: number;
  multiple: number;
  risk: number;
  exposure: number;
}

export interface OracleFill {
  bar: number;
  side: string;
  price: string;
  quantity: string;
  fee: string;
}

export interface OracleTrade {
  entryBar: number;
  exitBar: number;
  profit: string;
  exitReason: string;
}

export interface OracleRun {
  fills: OracleFill[];
  trades: OracleTrade[];
  /** Equity at each bar's close from the first traded bar on. */
  equity: string[];
}

interface Bar {
  time: number;
  open: number;
  high: number;
  low: number;
  close: number;
}

// Fee 10 basis points, slippage 5 basis points.
const feePerThousand = 1n;
const slippagePerTenThousand = 5n;

/** Runs over the text of a CryptoDataDownload file, trading from the bar after 5 slow periods on. */
export function oracle(csv: string, parameters: OracleParameters, startingCash: number): OracleRun {
  const bars = read(csv);
  const { fast, slow, range } = indicators(bars, parameters);
  const first = 5 * parameters.slow;

  let cash = BigInt(startingCash) * 100_000_000n;
  let held = 0n;
  let stop = 0n;
  let entry = { bar: 0, cost: 0n };
  let wanted: { kind: "buy"; quantity: bigint; stop: bigint } | { kind: "sell" } | undefined;
  const fills: OracleFill[] = [];
  const trades: OracleTrade[] = [];
  const equity: string[] = [];

  const sell = (bar: Bar, reference: bigint, exitReason: string): void => {
    const price = (reference * (10_000n - slippagePerTenThousand)) / 10_000n;
    const fee = feeOf(price, held);
    const proceeds = price * held * 10n - fee;
    cash += proceeds;
    fills.push(written(bar, "sell", price, held, fee));
    trades.push({ entryBar: entry.bar, exitBar: bar.time, profit: decimal(proceeds - entry.cost, 8), exitReason });
    held = 0n;
  };

  for (let i = first; i < bars.length; i++) {
    const bar = bars[i]!;
    const open = ticks(bar.open);

    if (wanted?.kind === "sell") {
      sell(bar, open, "exit");
    }
    // An entry is good for the hour after its decision alone.
    if (wanted?.kind === "buy" && bar.time - bars[i - 1]!.time === 3_600_000 && open > wanted.stop) {
      const exact = open * (10_000n + slippagePerTenThousand);
      const price = exact % 10_000n === 0n ? exact / 10_000n : exact / 10_000n + 1n;
      let quantity = wanted.quantity;
      while (quantity > 0n && price * quantity * 10n + feeOf(price, quantity) > cash) {
        quantity--;
      }
      if (quantity > 0n) {
        const fee = feeOf(price, quantity);
        entry = { bar: bar.time, cost: price * quantity * 10n + fee };
        cash -= entry.cost;
        held = quantity;
        stop = wanted.stop;
        fills.push(written(bar, "buy", price, quantity, fee));
      }
    }
    wanted = undefined;
    if (held > 0n && ticks(bar.low) <= stop) {
      sell(bar, open < stop ? open : stop, "stop");
    }
    const worth = cash + held * ticks(bar.close) * 10n;
    equity.push(decimal(worth, 8));

    const stopDistance = parameters.multiple * range[i]!;
    if (held > 0n) {
      if (fast[i]! < slow[i]! && fast[i - 1]! >= slow[i - 1]!) {
        wanted = { kind: "sell" };
      } else {
        const trailed = wholeBelow((bar.close - stopDistance) * 100);
        stop = trailed > stop ? trailed : stop;
      }
    } else if (fast[i]! > slow[i]! && fast[i - 1]! <= slow[i - 1]!) {
      const money = Number(cash) / 1e8;
      const byRisk = (parameters.risk * money) / stopDistance;
      const byCash = (parameters.exposure * money) / (bar.close * (1 + 0.001 + 0.0005));
      const quantity = wholeBelow(Math.min(byRisk, byCash) * 100_000);
      wanted = { kind: "buy", quantity, stop: wholeBelow((bar.close - stopDistance) * 100) };
    }
  }
  return { fills, trades, equity };
}

/** A count of small units as a decimal with all its places, such as 12345n with 2 as "123.45". */
export function decimal(units: bigint, places: number): string {
  const digits = (units < 0n ? -units : units).toString().padStart(places + 1, "0");
  return `${units < 0n ? "-" : ""}${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

function indicators(bars: Bar[], parameters: OracleParameters) {
  const fast: number[] = [];
  const slow: number[] = [];
  const range: number[] = [];
  const trueRanges: number[] = [];
  bars.forEach(({ high, low, close }, i) => {
    const before = bars[i - 1]?.close;
    fast.push(i === 0 ? close : fast[i - 1]! + (2 / (parameters.fast + 1)) * (close - fast[i - 1]!));
    slow.push(i === 0 ? close : slow[i - 1]! + (2 / (parameters.slow + 1)) * (close - slow[i - 1]!));
    trueRanges.push(
      before === undefined ? high - low : Math.max(high - low, Math.abs(high - before), Math.abs(low - before)),
    );
    const n = parameters.atr;
    if (i < n - 1) {
      range.push(Number.NaN);
    } else if (i === n - 1) {
      range.push(trueRanges.reduce((sum, value) => sum + value) / n);
    } else {
      range.push(((n - 1) * range[i - 1]! + trueRanges[i]!) / n);
    }
  });
  return { fast, slow, range };
}

function read(csv: string): Bar[] {
  const bars: Bar[] = [];
  for (const line of csv.split("\n").slice(2)) {
    if (line.trim() !== "") {
      const [date, , open, high, low, close] = line.split(",");
      const [day, clock] = date!.split(" ");
      const [hour, half] = clock!.split("-");
      const hours = (hour === "12" ? 0 : Number(hour)) + (half === "PM" ? 12 : 0);
      const time = new Date(`${day}T${String(hours).padStart(2, "0")}:00:00.000Z`).getTime();
      bars.push({ time, open: Number(open), high: Number(high), low: Number(low), close: Number(close) });
    }
  }
  return bars.sort((a, b) => a.time - b.time);
}

function written(bar: Bar, side: string, price: bigint, quantity: bigint, fee: bigint): OracleFill {
  return {
    bar: bar.time,
    side,
    price: decimal(price, 2),
    quantity: decimal(quantity, 5),
    fee: decimal(fee, 8),
  };
}

/** 0.1 % of price × quantity in units of 0.00000001, rounded to the nearest. */
function feeOf(price: bigint, quantity: bigint): bigint {
  return (price * quantity * 10n * feePerThousand + 500n) / 1000n;
}

function ticks(price: number): bigint {
  return BigInt(Math.round(price * 100));
}

/** The whole number at or below a value; what is a millionth below the next counts as that one. */
function wholeBelow(value: number): bigint {
  return BigInt(Math.floor(Number(value.toFixed(6))));
}

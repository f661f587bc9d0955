import { z } from "zod";
import { stackNames } from "../../config/names";
import { docker, dockerCode } from "../backup/docker";
import { parsePageStatus, type PageBot } from "../page";
import { requestWords, type Inside } from "./inside";
import type { Check } from "./report";

const account = z.object({ bot: z.string(), symbol: z.string(), interval: z.string(), cash: z.number(), equity: z.number(), processedBar: z.number().nullable(), trades: z.number(), fills: z.number() });
const tradingRows = z.object({ accounts: z.array(account), entries: z.number(), leases: z.number() });

/** What the trading database says of its bots. Times are epoch milliseconds. */
export type TradingRows = z.infer<typeof tradingRows>;
type AccountRows = z.infer<typeof account>;

const ROWS = `
SELECT json_build_object(
  'accounts', (
    SELECT coalesce(json_agg(json_build_object('bot', a.bot, 'symbol', a.symbol, 'interval', a.interval, 'cash', a.cash::float8,
      'processedBar', (extract(epoch FROM a.processed_bar) * 1000)::bigint,
      'equity', coalesce((SELECT e.equity FROM trading.equity AS e WHERE e.bot = a.bot ORDER BY e.bar DESC LIMIT 1), a.starting_cash)::float8,
      'trades', (SELECT count(*) FROM trading.trades AS t WHERE t.bot = a.bot),
      'fills', (SELECT count(*) FROM trading.fills AS f WHERE f.bot = a.bot)) ORDER BY a.bot), '[]'::json)
    FROM trading.accounts AS a),
  'entries', (SELECT count(*) FROM trading.orders WHERE action = 'enter' AND status <> 'rejected'),
  'leases', (SELECT count(*) FROM trading.feed_status WHERE lease_until IS NOT NULL))`;

export async function readTradingRows(inside: Inside): Promise<TradingRows> {
  return tradingRows.parse(JSON.parse(await inside.query("trading", ROWS)));
}

/**
 * Takes back every lease that came with the data. One that was handed out just before the moment that was restored could
 * still run; without one the broker lets no entry of any bot through, whatever its image does.
 */
export async function revokeLeases(inside: Inside): Promise<void> {
  await inside.query("trading", "UPDATE trading.feed_status SET lease_until = NULL WHERE lease_until IS NOT NULL");
}

/** Bots that have an account in the restored data; one that was declared later has nothing to be ready with. */
export function botsToStart(declared: readonly string[], rows: TradingRows): { readonly start: string[]; readonly notes: string[] } {
  const known = rows.accounts.map(({ bot }) => bot);
  return {
    start: declared.filter((bot) => known.includes(bot)),
    notes: [
      ...declared.filter((bot) => !known.includes(bot)).map((bot) => `bot ${bot} has no account in the restored data: it was not started`),
      ...known.filter((bot) => !declared.includes(bot)).map((bot) => `the restored data has an account of bot ${bot}, which the stack's file does not declare any more`),
    ],
  };
}

/** What a bot says of itself, after its container was found healthy. */
export async function botCheck(inside: Inside, bot: string, before: AccountRows): Promise<Check> {
  const name = `bot ${bot} is ready on the restored data, with no feed and no way to trade`;
  const said = z.object({ ready: z.boolean(), reason: z.string() }).parse(JSON.parse(await inside.run(`bot-${bot}`, requestWords("http://127.0.0.1:8080/readyz"))));
  const at = before.processedBar === null ? "its account had no bar yet" : `its account was at ${new Date(before.processedBar).toISOString()}`;
  return { part: "bot", name, passed: said.ready, detail: `${said.reason}; ${at}` };
}

/** No bot got anything into the market, also not what it decided anew. */
export function noTradeCheck(before: TradingRows, after: TradingRows): Check {
  const added = after.entries - before.entries;
  return {
    part: "broker",
    name: "no entry was let through",
    passed: added === 0 && after.leases === 0,
    detail: added === 0 && after.leases === 0 ? `${after.entries} entries as restored; no feed holds a lease` : `${added} new entries, ${after.leases} leases`,
  };
}

/**
 * The page's numbers against the rows, and the rows against what was restored: bars that were stored and not yet worked
 * may add to them, never take away.
 */
export function pageChecks(page: PageView | undefined, before: TradingRows, after: TradingRows): Check[] {
  const answers: Check = {
    part: "page",
    name: "it answers with its page and with data of now",
    passed: page !== undefined && /<html/i.test(page.html),
    detail: page === undefined ? "no answer that is understood, or one of old data" : /<html/i.test(page.html) ? `${page.html.length} characters, ${page.bots.length} bots` : "it is no page",
  };
  return [answers, ...(page?.bots ?? []).flatMap((shown) => after.accounts.filter(({ bot }) => bot === shown.name).map((rows) => accountCheck(shown, rows, before)))];
}

function accountCheck(shown: PageView["bots"][number], rows: AccountRows, before: TradingRows): Check {
  const restored = before.accounts.find(({ bot }) => bot === rows.bot);
  const wrong = [
    ...(near(shown.equity, rows.equity) ? [] : [`equity ${shown.equity} and not ${rows.equity}`]),
    ...(near(shown.cash, rows.cash) ? [] : [`cash ${shown.cash} and not ${rows.cash}`]),
    ...(shown.processedBar === rows.processedBar ? [] : [`bar ${shown.processedBar} and not ${rows.processedBar}`]),
    ...(shown.trades === rows.trades ? [] : [`${shown.trades} trades and not ${rows.trades}`]),
    ...(restored !== undefined && rows.trades < restored.trades ? [`${restored.trades} trades were restored, ${rows.trades} are there`] : []),
  ];
  return {
    part: "page",
    name: `it shows the restored account of bot ${rows.bot}`,
    passed: wrong.length === 0,
    detail: wrong.length === 0 ? `equity ${rows.equity.toFixed(2)}, cash ${rows.cash.toFixed(2)}, ${rows.trades} trades` : wrong.join("; "),
  };
}

/** Amounts go through JSON as floating point numbers. */
function near(shown: number | null, row: number): boolean {
  return shown !== null && Math.abs(shown - row) <= 1e-6 * Math.max(1, Math.abs(row));
}

/** What the page shows; undefined where nothing that is understood answers. */
export interface PageView {
  readonly bots: readonly (PageBot & { readonly trades: number })[];
  readonly html: string;
}

const counted = z.object({ bots: z.array(z.object({ name: z.string(), trades: z.number() })) });

/** Asks the page as a browser does. */
export async function readPage(inside: Inside): Promise<PageView | undefined> {
  const from = (path: string) => inside.run("gui", requestWords(`http://127.0.0.1:8080${path}`));
  const body: unknown = JSON.parse(await from("/api/status"));
  const [status, trades] = [parsePageStatus(body), counted.safeParse(body).data];
  if (status === undefined || trades === undefined || status.stale) return undefined;
  const bots = status.bots.map((bot) => ({ ...bot, trades: trades.bots.find(({ name }) => name === bot.name)!.trades }));
  return { bots, html: await from("/") };
}

/** Seconds in which an address that can be reached answers. */
const REACH_SECONDS = 3;

/**
 * That nothing of the temporary stack can be reached, or reach anything; tried on the page of the stack it is a copy of.
 *
 * @param stack the temporary stack
 * @param copyOf the stack that runs beside it
 */
export async function isolationCheck(stack: string, copyOf: string, inside: Inside): Promise<Check> {
  const names = stackNames(stack);
  const { stdout: internal } = await docker(["network", "inspect", "--format", "{{.Internal}}", names.network]);
  const { stdout: ids } = await docker(["ps", "--all", "--quiet", "--filter", `network=${names.network}`]);
  const list = ids.split("\n").filter((id) => id !== "");
  const { stdout: published } = await docker(["inspect", "--format", "{{range $port, $host := .HostConfig.PortBindings}}{{$port}} {{end}}", ...list]);
  const { stdout: addresses, code } = await dockerCode(["container", "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}", stackNames(copyOf).container("gui")]);
  const tried = code === 0 ? addresses.split(/\s+/).filter((address) => address !== "") : [];
  const reached = await Promise.all(tried.map((address) => inside.run("broker", ["curl", "--silent", "--output", "/dev/null", "--max-time", String(REACH_SECONDS), `http://${address}:8080/livez`]).then(() => true, () => false)));
  const wrong = [
    ...(internal.trim() === "true" ? [] : ["its network is not internal"]),
    ...(published.trim() === "" ? [] : [`published ports: ${published.trim().replace(/\s+/g, " ")}`]),
    ...(reached.includes(true) ? [`the page of stack ${copyOf} can be reached from it`] : []),
  ];
  const attempt = tried.length === 0 ? "" : `; the page of stack ${copyOf}, tried from inside, is out of reach`;
  return {
    part: "isolation",
    name: "no way in or out, and no key of the stack it is a copy of",
    passed: wrong.length === 0,
    detail: wrong.length === 0 ? `${list.length} containers on an internal network, no published port, a key of its own${attempt}` : wrong.join("; "),
  };
}

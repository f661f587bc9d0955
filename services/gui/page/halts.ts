import { LEVEL_MEANINGS } from "../../../control/levels";
import type { BotView, FreezeView, GuardView, HaltAnswer, HaltRequest, HaltsView, HaltView, StatusView } from "../api";
import { measureTexts, type Fact } from "./feed";
import { secondText } from "./format";

/** Something in force that stands above everything else on the page. */
export interface Banner {
  tone: "no" | "care";
  title: string;
  lines: string[];
  /** The command that ends it; null where there is none to give. */
  command: string | null;
}

/** Why the page can halt and not lift a halt. */
export const whyNoRearm =
  "A halt is lifted by its command alone, not on this page: whoever lifts it has looked at what was open and at why it came, says so in the command, and is not one wrong click, or one page in the same browser, away from trading again.";

const everyBot = (bot: string | null): string => (bot === null ? "every bot" : `bot ${bot}`);

/** All that is in force, the furthest-reaching first. */
export function bannersOf({ problem, inForce, freezes, broker }: HaltsView): Banner[] {
  const unknown: Banner = { tone: "no", title: "Whether trading is halted is not known", lines: [`${problem}. The broker lets out exits only, and no bot is started.`], command: null };
  const blind: Banner = { tone: "no", title: "The broker cannot read the halts", lines: [broker?.problem ?? ""], command: null };
  return [...(problem === null ? [] : [unknown]), ...inForce.map(haltBanner), ...((broker?.problem ?? null) === null ? [] : [blind]), ...freezes.map(freezeBanner)];
}

function haltBanner(halt: HaltView): Banner {
  const { level, bot, held, rearm } = halt;
  return {
    tone: level === "pause" ? "care" : "no",
    title: `Halted at level ${level}: ${everyBot(bot)}`,
    lines: [
      `${originText(halt)}${halt.reason}`,
      ...ruleLines(halt),
      `${sentence(LEVEL_MEANINGS[level])} ${held ? "The broker holds to it." : "The broker has not confirmed it yet."}`,
    ],
    command: rearm,
  };
}

function freezeBanner(freeze: FreezeView): Banner {
  const until = freeze.until === null ? "until it is lifted" : `until ${secondText(freeze.until)}`;
  return { tone: "care", title: `Deploys are frozen: ${everyBot(freeze.bot)}`, lines: [`${originText(freeze)}${freeze.reason}`, ...ruleLines({ numbers: freeze.numbers, runbook: null }), `${freeze.id}, ${until}${freeze.runbook === null ? "" : `; ${freeze.runbook}`}`], command: freeze.thaw };
}

/** `Since 2026-11-27 07:05:01 UTC, by the guard (rule drawdown): `, or nothing where that is not known. */
function originText({ since, by, who, rule }: Pick<HaltView, "since" | "by" | "who" | "rule">): string {
  if (since === null) return "";
  const actors: Record<string, string> = { person: `by ${who} at the command line`, page: "from this page", guard: `by the guard${rule === null ? "" : ` (rule ${rule})`}`, drill: "by the drill" };
  return `Since ${secondText(since)}, ${actors[by ?? ""] ?? `by ${who}`}: `;
}

function ruleLines({ numbers, runbook }: Pick<HaltView, "numbers" | "runbook">): string[] {
  const text = [measureTexts(numbers).join(", "), runbook ?? ""].filter(Boolean).join("; ");
  return text === "" ? [] : [text];
}

function sentence(words: string): string {
  return `${words[0]!.toUpperCase()}${words.slice(1)}.`;
}

/** The broker reads the halts several times a second: after this long a person should look for themselves. */
const confirmMilliseconds = 5000;

/** What has become of a halt that was just placed. */
export interface Progress {
  facts: Fact[];
  /** Nothing more is to be waited for. */
  settled: boolean;
}

export interface ProgressFacts {
  readonly request: Pick<HaltRequest, "level" | "bot">;
  readonly answer: HaltAnswer;
  /** From the halt to the broker's word that it holds to it, milliseconds; null before that. */
  readonly heldAfter: number | null;
  readonly bots: readonly Pick<BotView, "name" | "running">[];
  readonly guard: GuardView | null;
  readonly stack: string;
  /** The server's clock. */
  readonly now: number;
}

/** Which bots run: by their containers where the guard says so, else by their locks in the database. */
export function botsNow({ bots, guard, stale }: Pick<StatusView, "bots" | "guard" | "stale">): ProgressFacts["bots"] {
  const containers = guard?.problem === null ? guard.containers : [];
  return bots.map(({ name, running }) => ({ name, running: containers.find((container) => container.name === name)?.running ?? (stale ? null : running) }));
}

export function haltProgress(facts: ProgressFacts): Progress {
  const { request, answer, heldAfter } = facts;
  const bots = request.level === "kill" ? facts.bots.filter(({ name }) => request.bot === null || name === request.bot) : [];
  const waits = facts.guard === null ? [] : bots.filter(({ running }) => running !== false);
  return {
    settled: heldAfter !== null && waits.length === 0,
    facts: [
      { label: "Incident", value: answer.incident, tone: "" },
      ...(answer.note === null ? [] : [{ label: "But", value: answer.note, tone: "warning" } as const]),
      { label: "Broker", ...brokerWord(facts) },
      ...bots.map((bot): Fact => ({ label: `Bot ${bot.name}`, ...botWord(bot, facts) })),
    ],
  };
}

function brokerWord({ answer, heldAfter, now, stack }: ProgressFacts): Omit<Fact, "label"> {
  if (heldAfter !== null) return { value: `in force ${secondsText(heldAfter)} after it was placed: the broker holds to it`, tone: "good" };
  const waited = now - answer.at;
  if (waited <= confirmMilliseconds) return { value: `placed; the broker has not confirmed it yet (${secondsText(waited)})`, tone: "warning" };
  return { value: `the broker has NOT confirmed it within ${secondsText(confirmMilliseconds)}. If it is down nothing leaves, and it comes back halted; if it runs: docker stop trading-${stack}-broker`, tone: "bad" };
}

function botWord({ name, running }: ProgressFacts["bots"][number], { guard, stack }: ProgressFacts): Omit<Fact, "label"> {
  if (running === false) return { value: "stopped", tone: "good" };
  const byHand = `npx trading stop bot ${name} --stack ${stack}`;
  const still = running === null ? "whether it runs is not known" : "still runs";
  if (guard === null) return { value: `${still}, and this stack has no guard that stops it: ${byHand}`, tone: "warning" };
  if (guard.problem !== null) return { value: `${still}, and the guard that stops it does not answer: ${byHand}`, tone: "bad" };
  return { value: `${still}; the guard stops it`, tone: "warning" };
}

function secondsText(milliseconds: number): string {
  return `${(Math.max(0, milliseconds) / 1000).toFixed(1)} s`;
}

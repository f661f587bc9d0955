import { hoursPerYear } from "../kpis/returns";
import type { OutOfSampleFacts } from "./outOfSample";
import type { PaperFacts } from "./paper";
import type { ParityFacts } from "./parity";

const z95 = 1.6448536269514722;

/** Days of hourly returns that prove, at 95 %, that a Sharpe ratio is above 0, if returns are normally distributed. */
export function daysToProve(sharpe: number): number {
  const ratio = sharpe / Math.sqrt(hoursPerYear);
  return Math.ceil((1 + (1 + (ratio * ratio) / 2) * (z95 / ratio) ** 2) / 24);
}

/** A ratio that many a strategy claims. */
const claimed = 1.5;

/** What the data cannot prove yet, each in a sentence. @param daysAsked days of a record that a promotion asks for */
export function unprovenOf({ paper, outOfSample, parity }: { readonly paper: PaperFacts | null; readonly outOfSample: OutOfSampleFacts | null; readonly parity: ParityFacts | null }, daysAsked: number): string[] {
  const days = paper?.days ?? 0;
  const needed = daysToProve(claimed);
  const said = days < needed ? [`${Math.floor(days)} days of paper trading cannot prove a Sharpe ratio of ${claimed}: to prove that it is above 0 takes ${needed} days at 95 %.`] : [];
  if (paper?.sharpe == null || paper.standardError === null) said.push("The Sharpe ratio on paper is not known yet: there are too few bars, or equity did not move.");
  else {
    const [low, high] = [paper.sharpe - 2 * paper.standardError, paper.sharpe + 2 * paper.standardError].map((value) => value.toFixed(1));
    const returns = paper.minimumReturns;
    const takes = returns === null ? "no longer record like this one proves that it is above 0" : `a record like this one takes ${Math.ceil(returns / 24)} days to prove that it is above 0`;
    if (returns === null || returns / 24 > days) said.push(`The Sharpe ratio on paper is ${paper.sharpe.toFixed(2)} and may as well be ${low} or ${high}: ${takes}.`);
  }
  if (outOfSample === null) said.push("Nothing is known of how the strategy does on candles it was not chosen on: there is no evaluation.");
  if (parity !== null && parity.days < daysAsked) said.push(`Only ${parity.days.toFixed(1)} days were compared with a replay.`);
  return [...said, "All fills are simulated: what an exchange would have filled, and at which price, no figure here can prove."];
}

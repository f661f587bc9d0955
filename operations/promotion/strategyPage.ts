import { inline } from "../format";

/** What a promotion changed of a strategy. */
export interface StrategyChange {
  /** Id of the promotion. */
  readonly promotion: string;
  /** Day in UTC, `2026-11-27`. */
  readonly date: string;
  readonly from: { readonly stack: string; readonly release: string };
  readonly to: string;
  readonly reason: string;
  /** One line each. */
  readonly changes: readonly string[];
}

/** Page of a strategy, relative to the project's folder. */
export function strategyPage(strategy: string): string {
  return `docs/strategies/${strategy}.md`;
}

/** The page of a strategy with a section about a promotion at its end. @param text of the page so far; undefined where there is none */
export function withPromotion(strategy: string, text: string | undefined, { promotion, date, from, to, reason, changes }: StrategyChange): string {
  const end = text?.includes("\r\n") === true ? "\r\n" : "\n";
  const section = [
    `## Promoted ${date} to ${to} (${promotion})`,
    "",
    `From ${from.release} of stack ${from.stack}; on what grounds: \`reports/promotions/${promotion}.json\`.`,
    "",
    `Why: ${inline(reason)}`,
    "",
    ...changes.map((change) => `- ${inline(change)}`),
    "",
  ];
  return [(text ?? `# ${strategy}`).trimEnd(), "", ...section].join(end);
}

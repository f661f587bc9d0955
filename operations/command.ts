/** What every command of `npx trading` has in common. */

/** What a command says when it has ended. */
export interface Outcome {
  readonly exitCode: number;
  /** For people. */
  readonly text: string;
  /** For `--json`: one document. */
  readonly document: unknown;
}

/** Options every command has. */
export interface GlobalOptions {
  readonly stack: string;
  readonly json?: boolean;
}

/** Makes a command of an action: runs it, prints its outcome once and keeps its exit code. */
export type Wrap = <Options>(action: (options: Options & GlobalOptions, ...parameters: (string | undefined)[]) => Promise<Outcome>) => (...all: unknown[]) => Promise<void>;

import { IsolatedStack, type IsolatedImage } from "../../components/IsolatedStack";
import { stackContext } from "../../components/StackContext";
import { controlFolder, ensureControlFolder } from "../../control/folder";
import { CommandError, failure } from "../errors";
import type { DeclaredStack } from "../stack";
import { insideOf, type Inside } from "./inside";
import { mlflowChecks, readMlflowRows, type MlflowRows } from "./mlflowChecks";
import type { Check } from "./report";
import type { TemporaryStack } from "./temporaryStack";
import { botCheck, botsToStart, isolationCheck, noTradeCheck, pageChecks, readPage, readTradingRows, revokeLeases, type TradingRows } from "./tradingChecks";
import { bringUp } from "./workspace";

export interface ApplicationsWorld {
  readonly root: string;
  readonly declared: DeclaredStack;
  readonly temporary: TemporaryStack;
  readonly images: Readonly<Record<IsolatedImage, string>>;
  readonly say: (text: string) => void;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly signal: AbortSignal;
  /** Takes each check as soon as it is known, so that a later failure does not lose it. */
  readonly found: (check: Check) => void;
  readonly note: (text: string) => void;
}

/** The broker goes on working stored bars while the page is looked at: both are read again until they are of one moment. */
const LOOKS = 10;
const PAUSE_MILLISECONDS = 1000;

/**
 * Starts the systems on the restored volumes and looks whether they run on what came back.
 *
 * @throws {CommandError} when they do not start
 */
export async function runApplications(world: ApplicationsWorld): Promise<void> {
  const { declared, temporary, say, found } = world;
  const { configuration, stack } = declared;
  const inside = insideOf(temporary.name);
  let before: TradingRows | undefined;
  let mlflow: MlflowRows | undefined;
  let bots: readonly string[] = [];
  // A check that cannot be made fails, and the others are made all the same.
  const attempt = async (part: Check["part"], name: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (world.signal.aborted) throw error;
      found({ part, name, passed: false, detail: error instanceof CommandError ? error.message : String((error as Error).message) });
    }
  };
  const reached = async (part: "database" | "mlflow"): Promise<void> => {
    if (part === "database") {
      say("the database runs, with its schema up to date and passwords of its own");
      before = await readTradingRows(inside);
      mlflow = await readMlflowRows(inside);
      await revokeLeases(inside);
      const chosen = botsToStart(configuration.bots.map(({ name }) => name), before);
      bots = chosen.start;
      chosen.notes.forEach(world.note);
      return;
    }
    say("MLflow runs: looking at its runs");
    await attempt("mlflow", "its API shows what was restored", async () => (await mlflowChecks(inside, mlflow!, world.random)).forEach(found));
  };
  // Its services call themselves after the stack it is a copy of. No halt of that one is in it: nothing can trade here.
  ensureControlFolder(controlFolder(temporary.folder, temporary.name), stack, temporary.owner);
  say("starting database, MLflow, broker, page and bots on the restored data");
  await bringUp(
    world.root,
    temporary,
    async () => {
      // Paper: nothing in it is protected against being taken down.
      const context = stackContext(temporary.name, "paper", temporary.owner, temporary.key, configuration.logLevel);
      const isolatedStack = new IsolatedStack("isolated", { context, configuration, images: world.images, copyOf: stack, bots: () => bots, reached, root: temporary.folder });
      return { health: isolatedStack.health };
    },
    world.signal,
  );
  if (before === undefined) throw failure("the temporary stack came up without its database");
  const restored = before;
  say("every container is healthy: looking at bots and page");
  for (const bot of bots) {
    const account = restored.accounts.find((candidate) => candidate.bot === bot)!;
    await attempt("bot", `bot ${bot} is ready on the restored data`, async () => found(await botCheck(inside, bot, account)));
  }
  await attempt("page", "it shows the restored data", async () => (await settledPage(inside, restored)).forEach(found));
  await attempt("broker", "no entry was let through", async () => found(noTradeCheck(restored, await readTradingRows(inside))));
  await attempt("isolation", "no way in or out", async () => found(await isolationCheck(temporary.name, stack, inside)));
}

async function settledPage(inside: Inside, restored: TradingRows): Promise<Check[]> {
  for (let look = 1; ; look++) {
    const checks = pageChecks(await readPage(inside), restored, await readTradingRows(inside));
    if (look === LOOKS || checks.every(({ passed }) => passed)) return checks;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));
  }
}

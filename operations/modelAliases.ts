import { z } from "zod";
import { stackPorts } from "../config/names";
import { failureText, MlflowClient } from "../mlflow/client";
import { aliasedVersion, setAlias, versionsWith } from "../mlflow/registry";

/** What of the page's `/api/status` says which configuration a bot trades; more keys are no error. */
const deployedBots = z.object({ bots: z.array(z.object({ name: z.string(), strategy: z.string(), symbol: z.string(), configurationHash: z.string().nullable() })) });

/** A bot and the hash of the configuration that the broker has it registered with; null when it never started. */
export type DeployedBot = z.infer<typeof deployedBots>["bots"][number];

/** Which version a stack's bot runs. */
export interface ModelAlias {
  readonly bot: string;
  readonly model: string;
  /** Name of the stack; of stack and bot for a further bot on the same model. */
  readonly alias: string;
  /** The newest version of its configuration; null when that was never evaluated, and then the alias is taken away. */
  readonly version: number | null;
}

/** What became of a stack's aliases. */
export interface AliasOutcome {
  readonly aliases: readonly ModelAlias[];
  /** Why they are not what the stack runs; null when they are. */
  readonly reason: string | null;
}

/** Name of the registered model that a strategy's configurations for a symbol are versions of; MLflow allows no slash and no colon. */
export function modelName(strategy: string, symbol: string): string {
  return `${strategy}-${symbol}`.replace(/[/:]/g, "-");
}

/**
 * Makes the aliases in MLflow say which registered version each bot of a stack runs: a version whose configuration has the
 * hash that the bot trades by. An alias never stays on a version that is not run any more. Safe to repeat; nothing that
 * fails here stops anybody.
 *
 * @param portBase first of the stack's ports on 127.0.0.1
 * @param deployed what the stack runs; asked of its page unless given
 */
export async function alignAliases(stack: string, portBase: number, deployed: (page: number) => Promise<readonly DeployedBot[]> = askPage): Promise<AliasOutcome> {
  const { gui, mlflow } = stackPorts(portBase);
  const aliases: ModelAlias[] = [];
  try {
    const client = new MlflowClient(`http://127.0.0.1:${mlflow}`, { requestMilliseconds: 3000 });
    const named = new Set<string>();
    for (const { name, strategy, symbol, configurationHash } of await deployed(gui)) {
      if (configurationHash === null) continue;
      const model = modelName(strategy, symbol);
      const alias = named.has(model) ? `${stack}-${name}` : stack;
      named.add(model);
      const version = (await versionsWith(client, model, { configurationHash })).at(-1)?.version;
      if ((await aliasedVersion(client, model, alias)) !== version) await setAlias(client, model, alias, version);
      aliases.push({ bot: name, model, alias, version: version ?? null });
    }
    return { aliases, reason: null };
  } catch (error) {
    return { aliases, reason: failureText(error) };
  }
}

/** A line for each bot, for people. */
export function aliasText({ aliases, reason }: AliasOutcome): string {
  const lines = aliases.map(({ bot, model, alias, version }) => (version === null ? `bot ${bot} trades a configuration that was never evaluated` : `bot ${bot} trades version ${version} of ${model}: alias ${alias}`));
  return [...lines, ...(reason === null ? [] : [`which version the stack runs is not known: ${reason}`])].map((line) => `${line}\n`).join("");
}

async function askPage(port: number): Promise<readonly DeployedBot[]> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/api/status`, { signal: AbortSignal.timeout(3000), redirect: "error" });
    return deployedBots.parse(await response.json()).bots;
  } catch {
    throw new Error("the stack's page does not say what its bots run");
  }
}

import { isMap, isSeq, parseDocument, type Document } from "yaml";
import type { BotConfiguration, StackConfiguration } from "../../config/schema";
import { usage } from "../errors";

/** What a promotion writes into a stack's file. */
export interface PromotedValues {
  /** Name of each first-party image -> its id. */
  readonly images: Readonly<Record<string, string>>;
  /** Path of the evidence in the repository. */
  readonly evidence: string;
  readonly interval: StackConfiguration["interval"];
  /** Bots whose strategy is written, as they are in the stack that is promoted from. */
  readonly bots: readonly BotConfiguration[];
}

/**
 * A stack's file with what was promoted; everything else, comments and order included, stays as it was. Settings are written
 * out with their defaults, so that a later version of a strategy with other ones trades no otherwise.
 *
 * @param name of the file, for messages
 * @param before what `interval` is now, which is written only where it changes
 */
export function promotedText(name: string, text: string, { images, evidence, interval, bots }: PromotedValues, before: StackConfiguration): string {
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem !== undefined) throw usage(`${name} is no YAML: ${problem.message}`);
  if (interval !== before.interval) document.setIn(["config", "trading:interval"], interval);
  const list = botsIn(name, document);
  list.items.forEach((entry, index) => {
    const written = isMap(entry) ? entry.get("name") : undefined;
    const bot = bots.find((each) => each.name === written);
    if (bot === undefined) return;
    const at = ["config", "trading:bots", index];
    if (bot.image !== "reference" || document.hasIn([...at, "image"])) document.setIn([...at, "image"], bot.image);
    document.setIn([...at, "strategy"], bot.strategy);
    document.setIn([...at, "symbol"], bot.symbol);
    document.setIn([...at, "settings"], document.createNode(bot.settings, { flow: true }));
  });
  document.setIn(["config", "trading:release"], document.createNode({ images, promotion: { evidence } }));
  const end = text.includes("\r\n") ? "\r\n" : "\n";
  return document.toString({ lineWidth: 0 }).replaceAll(/\r?\n/g, end);
}

/** The list of bots; Pulumi writes it as one line of JSON as soon as it changes the file. */
function botsIn(name: string, document: Document): { readonly items: readonly unknown[] } {
  const at = ["config", "trading:bots"];
  const written = document.getIn(at);
  if (typeof written === "string") document.setIn(at, document.createNode(JSON.parse(written)));
  const list = document.getIn(at);
  if (!isSeq(list)) throw usage(`trading:bots of ${name} is no list`);
  return list;
}

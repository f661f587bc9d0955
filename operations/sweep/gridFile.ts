import * as fs from "node:fs";
import { parseDocument } from "yaml";
import type { z } from "zod";
import { describeIssues } from "../../config/issues";
import { combinationsOf, mostCombinations, rangeLength, rangeValues, type Axes, type Range, type Settings } from "../../domain/evaluation/grid";
import { usage } from "../errors";

const allowedAxis = "a list of values, or { from, to, step } with step above 0 and to not below from";

/**
 * Reads a grid of settings from a JSON or YAML file: each setting with a list of values or { from, to, step }.
 * Every value has to be one that the strategy's schema allows by itself.
 *
 * @throws {CommandError} with exit code 2, naming file, key, value and what is allowed
 */
export function readGridFile(file: string, schema: z.ZodType): Axes {
  const content = parsedFile(file);
  if (typeof content !== "object" || content === null || Array.isArray(content) || Object.keys(content).length === 0) {
    throw usage(`${file}: is no grid; allowed: settings with their values, for example emaFast: [10, 20] or emaFast: { from: 5, to: 50, step: 5 }`);
  }
  const axes = new Map<string, readonly unknown[]>();
  for (const [key, axis] of Object.entries(content)) {
    const values = valuesOf(file, key, axis);
    checkSettings(schema, values.map((value) => ({ [key]: value })), `${file}: `);
    axes.set(key, values);
  }
  const combinations = combinationsOf(axes);
  if (combinations > mostCombinations) throw usage(`${file}: has ${combinations} combinations; allowed: at most ${mostCombinations}`);
  return axes;
}

/**
 * Checks settings one by one, each as if it stood alone: what is wrong between settings is no error of a single one.
 * @param prefix what to put before the setting's name
 */
export function checkSettings(schema: z.ZodType, each: readonly Settings[], prefix: string): void {
  for (const settings of each) {
    const parsed = schema.safeParse(settings);
    const issues = parsed.error?.issues.filter(({ code }) => code !== "custom") ?? [];
    if (issues.length > 0) throw usage(`${prefix}${describeIssues(issues, schema, settings)[0]!.trim()}`);
  }
}

function parsedFile(file: string): unknown {
  let text: string;
  try {
    text = fs.readFileSync(file, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "there is no such file" : code === "EISDIR" ? "is a folder; allowed: a JSON or YAML file" : message;
    throw usage(`${file}: ${reason}`);
  }
  // JSON is YAML as well, so that one parser reads both.
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) throw usage(`${file}: is neither JSON nor YAML: ${error.message.split("\n")[0]!.replace(/:$/, "")}`);
  return document.toJS();
}

function valuesOf(file: string, key: string, axis: unknown): readonly unknown[] {
  const wrong = (why: string) => usage(`${file}: ${key} = ${JSON.stringify(axis)}: ${why}`);
  if (Array.isArray(axis)) {
    if (axis.length === 0) throw wrong(`has no value; allowed: ${allowedAxis}`);
    const twice = axis.find((value, index) => axis.indexOf(value) !== index);
    if (twice !== undefined) throw wrong(`${JSON.stringify(twice)} is there twice; allowed: each value once`);
    return axis;
  }
  if (!isRange(axis)) throw wrong(`allowed: ${allowedAxis}`);
  if (rangeLength(axis) > mostCombinations) throw wrong(`has ${rangeLength(axis)} values; allowed: at most ${mostCombinations}`);
  return rangeValues(axis);
}

function isRange(axis: unknown): axis is Range {
  if (typeof axis !== "object" || axis === null || Object.keys(axis).sort().join() !== "from,step,to") return false;
  const { from, to, step } = axis as Range;
  return [from, to, step].every(Number.isFinite) && step > 0 && to >= from;
}

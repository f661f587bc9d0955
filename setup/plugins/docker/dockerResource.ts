import { setTimeout as delay } from "node:timers/promises";
import { check } from "../provider/check";
import { diff } from "../provider/diff";
import { InitializationError, messageOf } from "../provider/errors";
import { inSetOrder } from "../provider/order";
import { Context, Resource, Subject } from "../provider/provider";
import { isEmpty, isObject, Properties, Schema, UNKNOWN } from "../provider/schema";

/** What differs between the resource types of this plugin. */
export interface DockerKind {
  schema: Schema;
  /** Whether a replacement removes the old one first even under an automatic name. */
  alwaysDeleteFirst?: boolean;
  /** Whether a replacement may exist beside the old one even under a given name. */
  createFirst?: boolean;
  /** Calls `made` as soon as something exists that has to be kept in the state should the rest fail. */
  create(inputs: Properties, made: (id: string) => void, context: Context): Promise<{ id: string; outputs: Properties }>;
  /** Changes it in place; the state is then the inputs, what the Engine says is not read back. */
  update?(id: string, state: Properties, inputs: Properties, context: Context): Promise<void>;
  read(id: string, state: Properties): Promise<Properties | undefined>;
  delete(id: string, state: Properties, context: Context): Promise<void>;
}

/** Inputs without the lists of defaults. */
export function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => key !== "__defaults").map(([key, item]) => [key, plain(item)]));
}

/** The state that a change leads to as far as it is known beforehand. */
function planned(schema: Schema, state: Properties, inputs: Properties): Properties {
  const result: Properties = {};
  for (const [name, attribute] of Object.entries(schema)) {
    const old = state[name];
    if (inputs[name] !== undefined) result[name] = plain(inputs[name]);
    else if (attribute.computed || attribute.outputOnly) result[name] = old ?? UNKNOWN;
    else if (old !== undefined && isEmpty(old)) result[name] = old;
  }
  return inSetOrder(schema, result);
}

function known(properties: Properties): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== UNKNOWN));
}

/** Arguments that an existing thing, taken into the state by `import`, would have in a program. */
function importedInputs(schema: Schema, state: Properties): Properties {
  const entries = Object.entries(schema).filter(([name, attribute]) => !attribute.outputOnly && !isEmpty(state[name]));
  return { ...Object.fromEntries(entries.map(([name]) => [name, state[name]])), __defaults: [] };
}

/** The inputs with what was found changed, so that a second refresh does not report it again. */
function refreshedInputs(schema: Schema, state: Properties, inputs: Properties): Properties {
  const changed = new Set(diff(schema, state, inputs).map(({ path }) => path.split(/[.[]/)[0] ?? ""));
  return Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, changed.has(name) ? (state[name] ?? value) : value]));
}

export function dockerResource(kind: DockerKind): Resource {
  const { schema } = kind;
  return {
    check: ({ type, name }, olds, news, seed) => check({ schema, type, name, olds, news, seed }),
    diff(_subject, state, _oldInputs, inputs) {
      const automatic = Array.isArray(inputs.__defaults) && inputs.__defaults.includes("name");
      const deleteBeforeReplace = kind.alwaysDeleteFirst === true || (kind.createFirst !== true && !automatic);
      return { changes: diff(schema, state, inputs), deleteBeforeReplace };
    },
    async create(subject: Subject, inputs, preview, context) {
      const plan = planned(schema, {}, inputs);
      if (preview) return { id: "", state: plan };
      let made: string | undefined;
      try {
        const { id, outputs } = await kind.create(plain(inputs) as Properties, (id) => (made = id), context);
        return { id, state: { ...known(plan), ...outputs, id } };
      } catch (error) {
        if (made === undefined) throw error;
        throw new InitializationError(made, { ...known(plan), id: made }, `creating ${subject.urn}: ${messageOf(error)}`);
      }
    },
    async update(subject, id, state, _oldInputs, inputs, preview, context) {
      const plan = { ...planned(schema, state, inputs), id };
      if (preview) return plan;
      try {
        await kind.update?.(id, state, plain(inputs) as Properties, context);
      } catch (error) {
        throw new InitializationError(id, known(plan), `updating ${subject.urn}: ${messageOf(error)}`);
      }
      return known(plan);
    },
    async read(id, state, inputs) {
      const outputs = await kind.read(id, state);
      if (!outputs) return undefined;
      const now: Properties = { ...state, id, ...outputs };
      return { id: String(now.id), state: now, inputs: isEmpty(inputs) ? importedInputs(schema, now) : refreshedInputs(schema, now, inputs) };
    },
    delete: (_subject, id, state, context) => kind.delete(id, state, context),
  };
}

/**
 * Repeats a removal that the Engine refuses because something is in use, for 30 s as the official plugin does.
 * `action` returns false while it is refused.
 */
export async function untilRemoved(lastState: string, action: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  const end = Date.now() + 30_000;
  while (!(await action())) {
    if (Date.now() >= end || signal.aborted) {
      throw new Error(`timeout while waiting for state to become 'removed' (last state: '${lastState}', timeout: 30s)`);
    }
    await delay(1000);
  }
}

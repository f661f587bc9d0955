import { TYPES, UNKNOWN, type DeclaredResource, type Properties, type StackRule } from "../rule";

/** Shorter ones would be found by chance. */
const SHORTEST = 12;
/** A longer file is no secret but data, for example a recording. */
const LONGEST = 4096;

/** Lines of a configuration file that hold a secret. */
const SECRET_LINE = /^\s*[\w-]*(?:pass|secret|token|key)[\w-]*\s*=\s*(\S+)\s*$/i;

/**
 * Every secret of the stack is known here: it goes to the command that writes the secret files, on standard input. None
 * of them may be in anything else, under whatever name, as it is or in base64.
 */
export const secretContents: StackRule = {
  name: "no-secret-content",
  description: "What is in a secret file is in no other property of any resource.",
  check: (resources) => {
    const mounted = new Set(resources.flatMap(mountPoints));
    // Where the folder of a second copy is mounted stands beside its key, where the address of a server would.
    const secrets = resources.flatMap(secretsIn).filter(({ content }) => !mounted.has(content));
    return resources.flatMap((resource) =>
      Object.entries(resource.properties)
        .filter(([property]) => !(resource.type === TYPES.command && property === "stdin"))
        .flatMap(([property, value]) => {
          const text = JSON.stringify(value) ?? "";
          const names = new Set(secrets.filter(({ forms }) => forms.some((form) => text.includes(form))).map(({ file }) => file));
          return [...names].map((file) => ({ resource, property, value: `(the content of ${file})`, allowed: "no secret: it belongs into the secret file alone" }));
        }),
    );
  },
};

interface Secret {
  readonly file: string;
  readonly content: string;
  /** Ways in which it can be written. */
  readonly forms: readonly string[];
}

/** Lines of name, tab, content in base64: see components/FilledVolume.ts. */
function secretsIn({ type, name, properties }: DeclaredResource): Secret[] {
  const { stdin } = properties;
  if (type !== TYPES.command || stdin === UNKNOWN || typeof stdin !== "string") return [];
  return stdin.split("\n").flatMap((line) => {
    const [file, encoded] = line.split("\t");
    if (file === undefined || encoded === undefined || encoded.length > LONGEST * 2) return [];
    const content = Buffer.from(encoded, "base64").toString("utf8").trim();
    const inside = content.split(/\r?\n/).flatMap((each) => SECRET_LINE.exec(each)?.[1] ?? []);
    return [content, ...inside].filter(({ length }) => length >= SHORTEST && length <= LONGEST).map((text) => ({ file: `${name}: ${file}`, content: text, forms: formsOf(text) }));
  });
}

/** Paths in a container at which a volume or a folder is mounted. */
function mountPoints({ type, properties }: DeclaredResource): string[] {
  const volumes: unknown = type === TYPES.container ? properties.volumes : undefined;
  return Array.isArray(volumes) ? volumes.flatMap((volume: Properties) => (typeof volume?.containerPath === "string" ? [volume.containerPath] : [])) : [];
}

function formsOf(text: string): string[] {
  const inJson = JSON.stringify(text).slice(1, -1);
  return [inJson, Buffer.from(text).toString("base64"), Buffer.from(text).toString("base64url")];
}

import { BY_CONTENT } from "./images";
import { isEngine } from "./dockerSocket";
import { TYPES, type ResourceRule, type Violation } from "../rule";

/** Flags that undo the walls of a container; each with its value, where it has one. */
const FORBIDDEN: readonly (readonly [flag: string, value: RegExp])[] = [
  ["--privileged", /.*/],
  ["--cap-add", /.*/],
  ["--device", /.*/],
  ["--network", /^(host|container:.*)$/],
  ["--net", /^(host|container:.*)$/],
  ["--pid", /.*/],
  ["--ipc", /^(host|shareable|container:.*)$/],
  ["--uts", /.*/],
  ["--userns", /.*/],
  ["--cgroupns", /^host$/],
  ["--security-opt", /[:=](unconfined|disable)$/],
  ["--publish", /.*/],
  ["-p", /.*/],
  ["--publish-all", /.*/],
  ["-P", /.*/],
];
const MOUNTS = new Set(["--volume", "-v", "--mount"]);

/** Containers that do one thing and are gone (they fill a volume, bring the schema up to date) are not seen as resources. */
export const commands: ResourceRule = {
  name: "commands-run-contained",
  description: "A `docker run` of a command names its image by content and has nothing of the machine or of the Engine.",
  types: [TYPES.command],
  check: ({ properties }) => ["create", "update", "delete"].flatMap((property) => (typeof properties[property] === "string" ? runs(property, properties[property] as string) : [])),
};

function runs(property: string, command: string): Violation[] {
  return command.split(/&&|\|\||;|\n/).flatMap((part) => {
    const at = part.search(/\bdocker\s+(container\s+)?(run|create)\b/);
    return at === -1 ? [] : judge(property, part.slice(at).trim().split(/\s+/));
  });
}

function judge(property: string, words: readonly string[]): Violation[] {
  const at = words.findIndex((word) => BY_CONTENT.test(word));
  // What stands behind the image is for the program in it.
  const flags = (at === -1 ? words : words.slice(0, at)).flatMap((word, index) => {
    const [flag = "", inline] = word.split(/=(.*)/s);
    return flag.startsWith("-") ? [{ flag, value: inline ?? words[index + 1] ?? "" }] : [];
  });
  const wrong = flags.flatMap(({ flag, value }) => {
    const forbidden = FORBIDDEN.some(([name, values]) => name === flag && values.test(value));
    const engine = MOUNTS.has(flag) && value.split(/[:,]|source=|src=/).some(isEngine);
    return forbidden || engine ? [{ property, value: `${flag} ${value}`, allowed: engine ? "nothing of the Docker Engine is mounted" : "a container with its own namespaces, no port, no device and no further capability" }] : [];
  });
  const image = at !== -1 ? [] : [{ property, value: words.join(" "), allowed: "an image by content: sha256:<64 hex>, or name@sha256:<64 hex>" }];
  return [...wrong, ...image];
}

import { LABELS } from "../../config/names";
import { entries, environmentOf, labelOf, TYPES, UNKNOWN, type DeclaredResource, type ResourceRule, type Violation } from "../rule";

/** The one container that may reach the Engine: it hands on a few requests about this stack's bots, byte for byte. */
export const PROXY = "guard-proxy";

/** Any socket or pipe of the machine: an Engine may be told to listen at any, and no container of ours needs another. */
const SOCKET = /\.sock$|(^|\/)pipe\//;
/** Folders in which such a socket may lie, or all of what an engine keeps. */
const FOLDERS = /^(\/|\/(var|run|proc|sys|dev|etc)|\/var\/run|(\/var)?\/run\/(docker|containerd|podman|user|user\/\d+)|\/var\/lib|\/var\/lib\/(docker|containerd)(\/.*)?)$|(^|\/)\.docker(\/(run|desktop))?$/;

/** What of the machine a container has mounted: property and path. */
export function hostPaths({ properties }: DeclaredResource): { readonly property: string; readonly path: string; readonly readOnly: boolean }[] {
  const volumes = entries(properties.volumes).flatMap(({ hostPath, readOnly }, index) => (typeof hostPath === "string" && hostPath !== "" ? [{ property: `volumes[${index}].hostPath`, path: hostPath, readOnly: readOnly === true }] : []));
  const mounts = entries(properties.mounts).flatMap(({ type, source, readOnly }, index) => (type !== "volume" && typeof source === "string" ? [{ property: `mounts[${index}].source`, path: source, readOnly: readOnly === true }] : []));
  return [...volumes, ...mounts];
}

export function isEngine(path: string): boolean {
  const unified = path.replaceAll("\\", "/").replace(/\/+/g, "/").replace(/(?<=.)\/$/, "");
  return SOCKET.test(unified) || FOLDERS.test(unified);
}

export function isProxy(resource: DeclaredResource): boolean {
  return labelOf(resource, LABELS.service) === PROXY;
}

/** Whoever reaches the Docker Engine can do everything on the machine. */
export const dockerSocket: ResourceRule = {
  name: "no-docker-socket",
  description: "No container reaches the Docker Engine, but the guard's proxy, which is on no network.",
  types: [TYPES.container],
  check: (resource) => {
    const { properties } = resource;
    const engine = hostPaths(resource).filter(({ path }) => isEngine(path));
    const host = environmentOf(resource).get("DOCKER_HOST");
    const otherEngine: Violation[] = host === undefined ? [] : [{ property: "envs DOCKER_HOST", value: host, allowed: "nothing: no container talks to an Engine" }];
    if (!isProxy(resource)) return [...engine.map(({ property, path }) => ({ property, value: path, allowed: `nothing of the Docker Engine; only ${PROXY} has its socket` })), ...otherEngine];
    return [
      ...engine.filter(({ path, readOnly }) => !readOnly || !path.endsWith(".sock")).map(({ property, path }) => ({ property, value: path, allowed: "the Engine's socket, mounted read-only" })),
      ...(properties.networkMode === "none" || properties.networkMode === UNKNOWN ? [] : [{ property: "networkMode", value: properties.networkMode, allowed: '"none": what reaches the Engine is reached by nobody over a network' }]),
      ...(entries(properties.networksAdvanced).length === 0 ? [] : [{ property: "networksAdvanced", value: properties.networksAdvanced, allowed: "none" }]),
      ...otherEngine,
    ];
  },
};

import type { ContainerInputs } from "./facts";
import { under, yesOrNo, type ImageConfig, type Property, type RunningContainer } from "./properties";

const MEBIBYTE = 1024 * 1024;

/** What a container has mounted, and what it may write to. */
export const STORAGE: readonly Property[] = [
  {
    what: "mounts",
    inputs: ["volumes"],
    declared: ({ volumes }) =>
      under("mount", Object.fromEntries((volumes ?? []).map(({ containerPath, volumeName, hostPath, readOnly }) => [containerPath ?? "", mountText(volumeName ? `volume ${volumeName}` : `folder ${sameFolder(hostPath ?? "")}`, readOnly !== true)]))),
    running: (container, image, inputs) => under("mount", Object.fromEntries(mountsOf(container, image).map((mount) => [mount.Destination, mountText(sourceOf(mount, container, inputs), mount.RW)]))),
  },
  {
    what: "folders in memory",
    inputs: ["tmpfs"],
    declared: ({ tmpfs }) => under("tmpfs", optionsOf(tmpfs)),
    running: ({ HostConfig }) => under("tmpfs", optionsOf(HostConfig.Tmpfs)),
  },
  {
    what: "read-only root",
    inputs: ["readOnly"],
    declared: ({ readOnly }) => ({ "read-only root": yesOrNo(readOnly) }),
    running: ({ HostConfig }) => ({ "read-only root": yesOrNo(HostConfig.ReadonlyRootfs) }),
  },
  {
    what: "shared memory",
    inputs: ["shmSize"],
    ofEngine: true,
    declared: ({ shmSize }) => ({ "shared memory": shmSize === undefined ? undefined : `${shmSize} MiB` }),
    running: ({ HostConfig }) => ({ "shared memory": `${(HostConfig.ShmSize ?? 0) / MEBIBYTE} MiB` }),
  },
];

type RunningMount = RunningContainer["Mounts"][number];

function mountText(source: string, writable: boolean): string {
  return `${source}, ${writable ? "read-write" : "read-only"}`;
}

function optionsOf(folders: Readonly<Record<string, string>> | undefined): Record<string, string> {
  // Without options there is no value at all, which is an entry all the same.
  return Object.fromEntries(Object.entries(folders ?? {}).map(([folder, options]) => [folder, options.split(",").sort().join(",") || "no options"]));
}

/** All mounts but the nameless volumes that the image asks for: Docker makes those by itself. */
function mountsOf({ Mounts }: RunningContainer, image: ImageConfig | null): RunningMount[] {
  const ofImage = new Set(Object.keys(image?.Volumes ?? {}));
  const nameless = ({ Type, Name }: RunningMount) => Type === "volume" && /^[0-9a-f]{64}$/.test(Name ?? "");
  return (Mounts ?? []).filter((mount) => !(nameless(mount) && (image === null || ofImage.has(mount.Destination))));
}

/** Docker Desktop shows a folder under another name than it was given; wherever the given one is kept, that counts. */
function sourceOf(mount: RunningMount, { HostConfig, Config }: RunningContainer, { volumes }: ContainerInputs): string {
  if (mount.Type === "volume") return `volume ${mount.Name}`;
  if (mount.Type !== "bind") return `${mount.Type}${mount.Source ? ` ${mount.Source}` : ""}`;
  const wanted = sameFolder(volumes?.find(({ containerPath }) => containerPath === mount.Destination)?.hostPath ?? "");
  const binds = (HostConfig.Binds ?? []).flatMap((bind) => {
    const at = bind.lastIndexOf(`:${mount.Destination}`);
    return at > 0 && /^(:[a-zA-Z,]*)?$/.test(bind.slice(at + 1 + mount.Destination.length)) ? [bind.slice(0, at)] : [];
  });
  const labels = Object.entries(Config.Labels ?? {}).flatMap(([label, value]) => {
    const [, number] = /^desktop\.docker\.io\/binds\/(\d+)\/Target$/.exec(label) ?? [];
    const source = number !== undefined && value === mount.Destination ? Config.Labels[`desktop.docker.io/binds/${number}/Source`] : undefined;
    return source === undefined ? [] : [source];
  });
  const known = [mount.Source, ...binds, ...labels].map(sameFolder);
  return `folder ${known.includes(wanted) ? wanted : known[0]}`;
}

/** The Engine's own socket, by the names that Docker Desktop gives it. */
const SOCKETS: ReadonlySet<string> = new Set(["/var/run/docker.sock", "/run/docker.sock", "/var/run/docker.sock.raw", "/run/guest-services/docker.sock", "/run/host-services/docker.proxy.sock"]);

/** One spelling of a folder of the machine: Windows has several, and Docker Desktop's virtual machine has its own. */
export function sameFolder(path: string): string {
  const slashes = path.replaceAll("\\", "/").replace(/(?<=.)\/+$/, "");
  if (SOCKETS.has(slashes)) return "/var/run/docker.sock";
  const ownName = slashes.replace(/^\/(run\/desktop\/mnt\/host|host_mnt|mnt\/host)(?=\/)/, "").replace(/^\/private(?=\/)/, "");
  const drive = /^\/?([A-Za-z]):?(\/.*)?$/.exec(ownName);
  // Windows knows no difference between large and small letters.
  return drive && (ownName.includes(":") || ownName !== slashes) ? `/${drive[1]}${drive[2] ?? ""}`.toLowerCase() : ownName;
}

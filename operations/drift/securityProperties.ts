import { setText, under, yesOrNo, type Property } from "./properties";

/** What a container is allowed to do beyond its own. */
export const SECURITY: readonly Property[] = [
  {
    what: "capabilities",
    inputs: ["capabilities"],
    declared: ({ capabilities }) => ({ "capabilities added": capabilityText(capabilities?.adds), "capabilities dropped": capabilityText(capabilities?.drops) }),
    running: ({ HostConfig }) => ({ "capabilities added": capabilityText(HostConfig.CapAdd), "capabilities dropped": capabilityText(HostConfig.CapDrop) }),
  },
  {
    what: "security options",
    inputs: ["securityOpts"],
    declared: ({ securityOpts }) => ({ "security options": optionText(securityOpts) }),
    running: ({ HostConfig }) => ({ "security options": optionText(HostConfig.SecurityOpt) }),
  },
  {
    what: "privileges",
    inputs: ["privileged", "groupAdds"],
    declared: ({ privileged, groupAdds }) => ({ privileged: yesOrNo(privileged), "further groups": setText(groupAdds) }),
    running: ({ HostConfig }) => ({ privileged: yesOrNo(HostConfig.Privileged), "further groups": setText(HostConfig.GroupAdd) }),
  },
  {
    what: "namespaces of the machine",
    inputs: ["pidMode", "usernsMode", "ipcMode"],
    declared: ({ pidMode, usernsMode, ipcMode }) => ({ "process namespace": pidMode || undefined, "user namespace": usernsMode || undefined, "memory namespace": ipcText(ipcMode) }),
    running: ({ HostConfig }) => ({ "process namespace": HostConfig.PidMode || undefined, "user namespace": HostConfig.UsernsMode || undefined, "memory namespace": ipcText(HostConfig.IpcMode), "host name namespace": HostConfig.UTSMode || undefined }),
  },
  {
    what: "devices",
    inputs: ["devices"],
    declared: ({ devices }) => ({ devices: setText(devices?.map(({ hostPath, containerPath, permissions }) => `${hostPath}:${containerPath ?? hostPath}:${permissions ?? "rwm"}`)) }),
    running: ({ HostConfig }) => ({
      devices: setText(((HostConfig.Devices ?? []) as { PathOnHost: string; PathInContainer: string; CgroupPermissions: string }[]).map(({ PathOnHost, PathInContainer, CgroupPermissions }) => `${PathOnHost}:${PathInContainer}:${CgroupPermissions}`)),
    }),
  },
  {
    what: "kernel settings",
    inputs: ["sysctls"],
    declared: ({ sysctls }) => under("kernel setting", sysctls ?? {}),
    running: ({ HostConfig }) => under("kernel setting", HostConfig.Sysctls ?? {}),
  },
];

function capabilityText(names: readonly string[] | null | undefined): string | undefined {
  return setText(names?.map((name) => name.toUpperCase().replace(/^CAP_/, "")));
}

/** The option to gain no privileges has three spellings. */
function optionText(options: readonly string[] | null | undefined): string | undefined {
  return setText(options?.map((option) => option.replace(/^no-new-privileges([:=]true)?$/, "no-new-privileges")));
}

/** Only the memory of others matters: which of its own two kinds a container has is the Engine's choice. */
function ipcText(mode: string | undefined): string | undefined {
  return mode === undefined || ["", "private", "shareable", "none"].includes(mode) ? undefined : mode;
}

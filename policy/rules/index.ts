import type { ResourceRule, StackRule } from "../rule";
import { commands } from "./commands";
import { dataVolumes } from "./dataVolumes";
import { dockerSocket } from "./dockerSocket";
import { images } from "./images";
import { memory } from "./memory";
import { namespaces } from "./namespaces";
import { healthcheck, lifecycle, logs } from "./operation";
import { ownNames } from "./ownNames";
import { ownPorts, type StackFile } from "./ownPorts";
import { ports } from "./ports";
import { privileges } from "./privileges";
import { resourceTypes } from "./resourceTypes";
import { riskLimits } from "./riskLimits";
import { secretContents } from "./secretContents";
import { secretNames } from "./secretNames";

export const RESOURCE_RULES: readonly ResourceRule[] = [resourceTypes, images, ports, dockerSocket, memory, privileges, namespaces, healthcheck, lifecycle, logs, commands, secretNames, ownNames, riskLimits];

/** @param stacks every stack of this clone that has a file */
export function stackRules(stacks: readonly StackFile[]): readonly StackRule[] {
  return [dataVolumes, ownPorts(stacks), secretContents];
}

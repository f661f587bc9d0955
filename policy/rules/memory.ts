import { demand, TYPES, UNKNOWN, type ResourceRule } from "../rule";

/** One container that takes all memory takes the bots of both stacks with it. */
export const memory: ResourceRule = {
  name: "memory-bounded",
  description: "Every container has a limit of memory, and none of it is swap.",
  types: [TYPES.container],
  check: ({ properties }) => [
    ...demand(properties, "memory", "a number of megabytes above 0", (value) => value > 0),
    // Left out it is twice the memory: a bot that swaps decides too late and is never killed.
    ...demand(properties, "memorySwap", `the same as memory (${String(properties.memory)})`, (value) => properties.memory === UNKNOWN || value === properties.memory),
  ],
};

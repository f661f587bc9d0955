/** Versions this project was tried with. `package.json` and the Go modules below `setup/` name the same ones. */

export const MINIMUM_NODE = "20.19.0";

export const PULUMI_VERSION = "3.259.0";

/** The last language host for Node.js that is part of Pulumi's published SDK module. */
export const LANGUAGE_HOST_VERSION = "3.66.0";

/** Resource plugins the program needs. */
export const PLUGINS = Object.freeze([
  Object.freeze({ name: "docker", version: "5.2.0" }),
  Object.freeze({ name: "command", version: "1.2.1" }),
]);

/** The image that every image of this project is built on, and where it comes from. */
export const OPERATING_SYSTEM = Object.freeze({ tag: "trading-os:13", registryImage: "debian:trixie-slim", suite: "trixie" });

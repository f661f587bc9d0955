"use strict";
// Takes the place of the package ssh2 in the bundle: DOCKER_HOST=ssh://... is not served.
exports.Client = class {
  constructor() {
    throw new Error("DOCKER_HOST=ssh://... is not served by the stand-in plugin; use a unix socket or tcp");
  }
};

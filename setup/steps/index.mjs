import { certificatesStep } from "./certificates.mjs";
import { cloneStep } from "./clone.mjs";
import { dockerStep } from "./docker.mjs";
import { imagesStep } from "./images.mjs";
import { nodeStep } from "./node.mjs";
import { operatingSystemStep } from "./operating-system.mjs";
import { packagesStep } from "./packages.mjs";
import { pluginsStep } from "./plugins.mjs";
import { pulumiStep } from "./pulumi.mjs";
import { stackStep } from "./stack.mjs";

/** What this machine needs, whatever stack is worked on. */
export const MACHINE_STEPS = Object.freeze([nodeStep, pulumiStep, packagesStep, dockerStep, certificatesStep, operatingSystemStep, imagesStep, pluginsStep]);

/** What the owner's own stack needs besides; tests leave it alone. */
export const OWNER_STEPS = Object.freeze([cloneStep, stackStep]);

/** What a review of commits needs: neither Docker nor a stack. */
export const REVIEW_STEPS = Object.freeze([nodeStep, pulumiStep, packagesStep, pluginsStep]);

import { z } from "zod";

/** Tag of a run that lists the artifacts that were put, so that whoever has the database knows which files have to be there. */
export const artifactsTag = "trading.artifacts";

/** Its value, as JSON: name below the run's artifacts -> size and SHA-256 of the content. */
export const artifactsTagSchema = z.record(z.string().min(1), z.object({ bytes: z.int().min(0), sha256: z.string().regex(/^[0-9a-f]{64}$/) }));
export type PutArtifacts = z.infer<typeof artifactsTagSchema>;

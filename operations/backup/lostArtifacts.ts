/** Lost artifacts that are named one by one. */
const NAMED = 10;

/**
 * Lines for the owner about artifacts that MLflow's database refers to and that no backup has; none where nothing is lost.
 *
 * @param lost such as `1/2f/artifacts/equity.csv (run 2f)`
 */
export function lostText(lost: readonly string[]): string[] {
  if (lost.length === 0) return [];
  const named = lost.slice(0, NAMED).map((text) => `  ${text}`);
  return [
    `LOST: ${lost.length} ${lost.length === 1 ? "artifact" : "artifacts"} of MLflow: the database is newer than what was stored of them. Recovery points go on, and name them until their runs are deleted in MLflow:`,
    ...named,
    ...(lost.length > NAMED ? [`  and ${lost.length - NAMED} more`] : []),
  ];
}

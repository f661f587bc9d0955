/**
 * The numbers of a version in a text such as `v3.259.0`, `go1.25.11` or `Docker version 28.2.2, build e6534b4`.
 *
 * @param {string} text
 * @returns {[number, number, number] | undefined} undefined where there is none
 */
export function parseVersion(text) {
  const match = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  return match ? [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)] : undefined;
}

/**
 * Whether a version is the wanted one or newer. A text without a version is not.
 *
 * @param {string} text
 * @param {string} minimum
 */
export function isAtLeast(text, minimum) {
  const found = parseVersion(text);
  const wanted = parseVersion(minimum);
  if (!found || !wanted) return false;
  for (const position of /** @type {const} */ ([0, 1, 2])) {
    if (found[position] !== wanted[position]) return found[position] > wanted[position];
  }
  return true;
}

/**
 * Whether a text names exactly this release. A development build (`v3.259.0-dev.1`) is another one.
 *
 * @param {string} text
 * @param {string} version
 */
export function isExactly(text, version) {
  const trimmed = text.trim();
  return trimmed === version || trimmed === `v${version}`;
}

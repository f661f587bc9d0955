import { createWriteStream } from "node:fs";
import http from "node:http";
import https from "node:https";
import { pipeline } from "node:stream/promises";
import tls from "node:tls";

/**
 * The proxy that an environment names for an address, or undefined where it is reached directly.
 *
 * @param {URL} url
 * @param {Record<string, string | undefined>} environment
 * @returns {URL | undefined}
 */
export function proxyFor(url, environment) {
  const read = (/** @type {string} */ name) => environment[name.toLowerCase()] || environment[name.toUpperCase()];
  const direct = (read("no_proxy") ?? "").split(",").map((entry) => entry.trim().replace(/^\*?\./, ""));
  if (direct.some((entry) => entry === "*" || (entry !== "" && (url.hostname === entry || url.hostname.endsWith(`.${entry}`))))) return undefined;
  const text = read(url.protocol === "https:" ? "https_proxy" : "http_proxy") ?? read("all_proxy");
  return text ? new URL(/^[a-z0-9]+:\/\//i.test(text) ? text : `http://${text}`) : undefined;
}

/**
 * @param {URL} url
 * @param {{ method: string, timeout: number, environment: Record<string, string | undefined> }} options
 * @returns {Promise<http.IncomingMessage>}
 */
async function request(url, { method, timeout, environment }) {
  const proxy = proxyFor(url, environment);
  const tunnel = proxy && (await openTunnel(url, proxy, timeout));
  return new Promise((resolve, reject) => {
    const ask = url.protocol === "https:" ? https.request : http.request;
    const sent = ask(url, { method, ...(tunnel ? { createConnection: () => tunnel } : {}) }, resolve);
    // Covers the look-up of the name and the connection too, which a socket's own time-out does not.
    const timer = setTimeout(() => sent.destroy(new Error(`no answer within ${timeout / 1000} s`)), timeout);
    sent.on("response", () => clearTimeout(timer));
    sent.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    sent.end();
  });
}

/** @param {URL} url @param {URL} proxy @param {number} timeout @returns {Promise<import("node:net").Socket>} */
function openTunnel(url, proxy, timeout) {
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  const credentials = proxy.username ? { "proxy-authorization": `Basic ${Buffer.from(`${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`).toString("base64")}` } : {};
  return new Promise((resolve, reject) => {
    const sent = http.request({ host: proxy.hostname, port: proxy.port || 80, method: "CONNECT", path: `${url.hostname}:${port}`, headers: credentials });
    const timer = setTimeout(() => sent.destroy(new Error(`no answer from the proxy within ${timeout / 1000} s`)), timeout);
    sent.on("connect", (response, socket) => {
      clearTimeout(timer);
      if (response.statusCode !== 200) reject(new Error(`the proxy answered ${response.statusCode}`));
      else resolve(url.protocol === "https:" ? tls.connect({ socket, servername: url.hostname }) : socket);
    });
    sent.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    sent.end();
  });
}

const REDIRECTS = 5;

/**
 * Follows redirections to the answer of an address.
 *
 * @param {string} address
 * @param {{ method: string, timeout: number, environment: Record<string, string | undefined> }} options
 */
async function fetchFollowing(address, options) {
  let url = new URL(address);
  for (let count = 0; count <= REDIRECTS; count += 1) {
    const response = await request(url, options);
    const { statusCode = 0, headers } = response;
    if (statusCode < 300 || statusCode >= 400 || !headers.location) return response;
    response.resume();
    url = new URL(headers.location, url);
  }
  throw new Error("redirected too often");
}

/**
 * Whether an address can be downloaded from here. Gives up within seconds.
 *
 * @param {string} address
 * @param {{ timeout?: number, environment?: Record<string, string | undefined> }} [options] `timeout` in milliseconds
 * @returns {Promise<{ reachable: boolean, reason: string }>}
 */
export async function probe(address, { timeout = 3000, environment = process.env } = {}) {
  try {
    const response = await fetchFollowing(address, { method: "HEAD", timeout, environment });
    response.resume();
    const reachable = response.statusCode === 200;
    return { reachable, reason: reachable ? "" : `the answer was ${response.statusCode}` };
  } catch (error) {
    return { reachable: false, reason: /** @type {NodeJS.ErrnoException} */ (error).code ?? /** @type {Error} */ (error).message };
  }
}

/**
 * Downloads an address into a file.
 *
 * @param {string} address
 * @param {string} file
 * @param {{ timeout?: number, silence?: number, environment?: Record<string, string | undefined>, onProgress?: (bytes: number) => void }} [options]
 *   `timeout`: milliseconds until the answer begins; `silence`: milliseconds without data after which it is given up
 */
export async function download(address, file, { timeout = 10_000, silence = 30_000, environment = process.env, onProgress } = {}) {
  const response = await fetchFollowing(address, { method: "GET", timeout, environment });
  if (response.statusCode !== 200) throw new Error(`the answer was ${response.statusCode}`);
  response.setTimeout(silence, () => response.destroy(new Error(`no data for ${silence / 1000} s`)));
  let bytes = 0;
  response.on("data", (/** @type {Buffer} */ chunk) => onProgress?.((bytes += chunk.length)));
  await pipeline(response, createWriteStream(file));
}

import { request } from "node:http";

/** Status code of a request that carries another name than the address it goes to. */
export function statusFor(url: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { headers: { host } }, (response) => resolve(response.resume().statusCode)).on("error", reject).end();
  });
}

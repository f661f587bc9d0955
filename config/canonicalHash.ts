/** SHA-256 in hexadecimal over a value as canonical JSON: the same whatever the order of its keys. */
export { configurationHash as canonicalHash } from "../domain/strategies";

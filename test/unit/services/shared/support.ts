import { createLogger, type Logger } from "../../../../services/shared/log";

/** A logger that says nothing. */
export const silent: Logger = createLogger("test", "silent");

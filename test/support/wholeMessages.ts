import { config } from "chai";

// What a run elsewhere shows of a failure is all there is: what was expected and what was found stand there whole.
config.truncateThreshold = 0;

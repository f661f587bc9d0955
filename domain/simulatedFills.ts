/** What is said of the fills wherever there are some, as long as no adapter of an exchange exists: in live as in paper. */
export const simulatedFills = "Fills are simulated: no order leaves this machine";

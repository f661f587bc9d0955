import { Socket } from "node:net";

/**
 * A socket that gives a peer up that took a question in and says nothing: a server that was stopped where it stood goes on
 * acknowledging packets, so that TCP's own keep-alive never tells. A quiet connection with no question open stays.
 * @param milliseconds longest wait for the first byte of an answer, and between two pieces of one
 */
export function answeredSocket(milliseconds: number): Socket {
  const socket = new Socket();
  let answered = 0;
  socket.on("data", () => (answered = socket.bytesWritten));
  socket.setTimeout(milliseconds, () => {
    if (socket.bytesWritten === answered) return;
    socket.destroy(Object.assign(new Error(`no answer for ${milliseconds / 1000} s`), { code: "ETIMEDOUT" }));
  });
  return socket;
}

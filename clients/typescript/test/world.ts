import { createServer, type IncomingMessage, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** What the suite that started the server prepared, and where the server is. */
export interface World {
  baseUrl: string;
  password: string;
  rich: string[];
  poor: string;
  teacher: string;
  course: string;
  sessions: string[];
  soldOut: string;
  unsold: string;
  started: string;
  earner: string;
  moved: { course: string; session: string; student: string; enrollment: string };
}

export const world = JSON.parse(process.env["TALKPLATFORM_WORLD"] ?? "null") as World;
if (!world) throw new Error("TALKPLATFORM_WORLD is not set: run this through script/test.");

/** What a `Proxy` does with one request. */
export type Fault = "cut after" | "cut before" | "unavailable" | "stall";

/** Stands between client and server, and does to the next requests what it is told. */
export class Proxy {
  readonly seen: { method: string; url: string; key: string | undefined }[] = [];
  #faults: Fault[] = [];
  #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(target: string): Promise<Proxy> {
    const server = createServer();
    const proxy = new Proxy(server);
    server.on("request", (incoming, answer) => {
      const { method = "", url = "" } = incoming;
      proxy.seen.push({ method, url, key: incoming.headers["idempotency-key"] as string });
      const fault = proxy.#faults.shift();
      if (fault === "cut before") return incoming.socket.destroy();
      if (fault === "stall") return undefined;
      if (fault === "unavailable") {
        answer.writeHead(503, { "Retry-After": "0", "Content-Type": "application/json" });
        return answer.end('{"code": "unavailable", "message": "Busy.", "details": {}}');
      }
      return forward(target, incoming, (reply) => {
        if (fault === "cut after") {
          reply.resume();
          reply.on("end", () => incoming.socket.destroy());
          return;
        }
        answer.writeHead(reply.statusCode ?? 502, reply.headers);
        reply.pipe(answer);
      });
    });
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  next(...faults: Fault[]): void {
    this.#faults.push(...faults);
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

function forward(
  target: string,
  incoming: IncomingMessage,
  take: (reply: IncomingMessage) => void,
): void {
  const { host } = new URL(target);
  const headers = { ...incoming.headers, host };
  const { method, url } = incoming;
  const onward = request(new URL(url ?? "/", target), { method, headers }, take);
  incoming.pipe(onward);
}

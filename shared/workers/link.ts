import type { WorkerAnswer, WorkerCall } from "./messages.ts";

/** A call that the worker answered with an error, or did not answer before it was terminated. */
export class WorkerFault extends Error {
  override name = "WorkerFault";

  constructor(
    message: string,
    /** Name of the error's class in the worker. */
    readonly causeName: string,
  ) {
    super(message);
  }
}

/** A running worker that takes requests and answers each of them. */
export interface WorkerLink<Request, Response> {
  /**
   * Sends a request, a value that can be cloned; buffers in `transfer` move instead. Requests are
   * begun in the order of the calls. Rejects with {@linkcode WorkerFault}.
   */
  call(request: Request, transfer?: Transferable[]): Promise<Response>;
  /** Ends the thread at once; calls under way and later ones are rejected. */
  terminate(): void;
}

interface Pending {
  resolve(response: unknown): void;
  reject(fault: WorkerFault): void;
}

/** Where a worker module is: beside the caller, in the source as well as in an executable. */
export function workerUrl(name: string, callerUrl: string): URL {
  const extension = callerUrl.endsWith(".ts") ? "ts" : "js";
  return new URL(`./${name}.${extension}`, callerUrl);
}

/**
 * Starts a thread with a module that calls `serveWorker()`. An error that the module does not
 * handle ends the process like one of the main thread: going on could break an invariant.
 */
export function startWorker<Request, Response>(url: URL): WorkerLink<Request, Response> {
  const worker = new Worker(url, { type: "module" });
  const pending = new Map<number, Pending>();
  let nextId = 0;
  let isTerminated = false;
  worker.onmessage = ({ data }: MessageEvent<WorkerAnswer>) => {
    const call = pending.get(data.id);
    pending.delete(data.id);
    if ("error" in data) call?.reject(new WorkerFault(data.error.message, data.error.name));
    else call?.resolve(data.response);
  };
  return {
    call(request, transfer = []) {
      if (isTerminated) return Promise.reject(terminated());
      const id = nextId++;
      const message: WorkerCall = { id, request };
      const answer = new Promise<unknown>((resolve, reject) =>
        pending.set(id, { resolve, reject })
      );
      worker.postMessage(message, transfer);
      return answer as Promise<Response>;
    },
    terminate() {
      isTerminated = true;
      worker.terminate();
      for (const call of pending.values()) call.reject(terminated());
      pending.clear();
    },
  };
}

function terminated(): WorkerFault {
  return new WorkerFault("Cannot call a worker that was terminated", "WorkerFault");
}

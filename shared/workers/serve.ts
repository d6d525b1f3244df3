import type { WorkerAnswer, WorkerCall } from "./messages.ts";

/** The part of a worker's global scope that is used; the type checker knows the main thread's. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<WorkerCall>) => void) | null;
  postMessage(answer: WorkerAnswer, transfer: Transferable[]): void;
}

/**
 * Answers the requests that the starter of this worker sends. An error of `handle` rejects that one
 * call of the starter.
 *
 * @param transferOf buffers of a response that move instead of being copied
 */
export function serveWorker<Request, Response>(
  handle: (request: Request) => Promise<Response>,
  transferOf: (response: Response) => Transferable[] = () => [],
): void {
  const scope = globalThis as unknown as WorkerScope;
  scope.onmessage = async ({ data: { id, request } }) => {
    try {
      const response = await handle(request as Request);
      scope.postMessage({ id, response }, transferOf(response));
    } catch (cause) {
      const { name, message } = cause instanceof Error ? cause : new Error(String(cause));
      scope.postMessage({ id, error: { name, message } }, []);
    }
  };
}

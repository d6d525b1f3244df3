import { serveWorker } from "../mod.ts";

/** Answers with the request; throws what it is told to throw. */
serveWorker((request: { readonly echo?: unknown; readonly fail?: string }) =>
  request.fail === undefined
    ? Promise.resolve(request.echo)
    : Promise.reject(new RangeError(request.fail))
);

/** What is sent to a worker. */
export interface WorkerCall {
  readonly id: number;
  readonly request: unknown;
}

/** What a worker answers. */
export type WorkerAnswer =
  | { readonly id: number; readonly response: unknown }
  | { readonly id: number; readonly error: { readonly name: string; readonly message: string } };

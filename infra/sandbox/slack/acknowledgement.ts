/** Slack waits three seconds for the acknowledgement of a command or a click. */
export const ACK_DEADLINE_MS = 3000

export type Acknowledgement =
  | { readonly ok: true; readonly body: string; readonly isJson: boolean }
  | { readonly ok: false; readonly failure: 'operation_timeout' | 'dispatch_failed' }

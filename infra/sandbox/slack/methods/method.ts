import type { Args } from '../arguments.ts'
import type { Messages } from '../messages.ts'

export type Workspace = {
  readonly messages: Messages
  /** Seconds to wait before the next chat.postMessage to this channel; 0 when it may be sent now. */
  readonly postLimit: (channel: string) => number
  readonly now: () => number
}

/** One method of the Web API: answers the fields beside `ok: true`, or throws a SlackError. */
export type Method = (workspace: Workspace, args: Args) => Record<string, unknown>

import type { Args } from '../arguments.ts'
import type { Messages } from '../messages.ts'
import type { RateLimit } from '../rate-limit.ts'
import type { Triggers } from '../triggers.ts'
import type { OpenedView } from '../view.ts'

export type Workspace = {
  readonly messages: Messages
  readonly triggers: Triggers
  /** The modals opened so far, oldest first. */
  readonly views: OpenedView[]
  /** Seconds to wait before the next chat.postMessage to this channel; 0 when it may be sent now. */
  readonly postLimit: RateLimit
  /** A new address for one connection in Socket Mode. */
  readonly socketUrl: () => string
  readonly now: () => number
}

/** One method of the Web API: answers the fields beside `ok: true`, or throws a SlackError. */
export type Method = (workspace: Workspace, args: Args) => Record<string, unknown>

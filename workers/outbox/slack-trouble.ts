import { z } from 'zod'

/** Why a call failed, as far as it matters for what is done next. `code` is Slack's own word where it has one. */
export type SlackTrouble =
  /** Too many calls. */
  | { readonly kind: 'busy'; readonly retryAfterMs: number }
  /** Slack or the way there fails, or somebody has to mend the token: it is tried again. */
  | { readonly kind: 'later'; readonly code: string }
  /** The same call will always be refused. */
  | { readonly kind: 'hopeless'; readonly code: string; readonly mend: string }

const channelMend = 'name another channel in the rule set'
const bugMend = 'Pagepass wrote what Slack does not take: please report it'
const personMend = 'look up this person’s Slack ids in the directory'

/** https://docs.slack.dev/reference/methods/chat.postMessage and chat.update: what no retry mends, with the mend. */
const hopeless: Readonly<Record<string, string>> = {
  channel_not_found: `invite the app to the channel (a private one is hidden from it), or ${channelMend}`,
  not_in_channel: `invite the app to the channel, or ${channelMend}`,
  is_archived: `unarchive the channel, or ${channelMend}`,
  restricted_action: `let apps post in this channel, or ${channelMend}`,
  restricted_action_read_only_channel: `let apps post in this channel, or ${channelMend}`,
  restricted_action_thread_only_channel: `let apps post in this channel, or ${channelMend}`,
  user_not_found: personMend,
  user_not_visible: personMend,
  user_disabled: personMend,
  cannot_dm_bot: personMend,
  messages_tab_disabled: 'switch on the app’s Messages tab (App Home)',
  invalid_blocks: bugMend,
  invalid_blocks_format: bugMend,
  msg_blocks_too_long: bugMend,
  msg_too_long: bugMend,
  no_text: bugMend,
  invalid_arguments: bugMend,
  invalid_arg_name: bugMend,
}

/** A 429 in other words, without saying how long. */
const tooMany = new Set(['ratelimited', 'rate_limited', 'message_limit_exceeded'])
const unsaidWaitMs = 30_000

const platformError = z.object({ data: z.object({ error: z.string() }) })
const rateLimited = z.object({ code: z.literal('slack_webapi_rate_limited_error'), retryAfter: z.number() })

/** What an error of the Slack client means. */
export const troubleOf = (error: unknown): SlackTrouble => {
  const limited = rateLimited.safeParse(error).data
  if (limited !== undefined) return { kind: 'busy', retryAfterMs: limited.retryAfter * 1_000 }
  const code = platformError.safeParse(error).data?.data.error
  if (code === undefined) return { kind: 'later', code: error instanceof Error ? error.message : 'no answer' }
  if (tooMany.has(code)) return { kind: 'busy', retryAfterMs: unsaidWaitMs }
  const mend = hopeless[code]
  return mend === undefined ? { kind: 'later', code } : { kind: 'hopeless', code, mend }
}

const gone = new Set([
  'message_not_found',
  'cant_update_message',
  'edit_window_closed',
  'is_inactive',
  'channel_not_found',
])
const blocksRefused = new Set(['invalid_blocks', 'invalid_blocks_format', 'msg_blocks_too_long'])
const threadRefused = new Set([
  'invalid_thread_ts',
  'thread_not_found',
  'cannot_reply_to_message',
  'restricted_action_thread_locked',
  'restricted_action_non_threadable_channel',
])

/** The message is gone from where it was, or may be edited no more: another takes its place. */
export const isGone = (code: string): boolean => gone.has(code)
/** Slack does not take the blocks; the text alone it may take. */
export const refusesBlocks = (code: string): boolean => blocksRefused.has(code)
/** Nothing can be said in this thread any more. */
export const refusesThread = (code: string): boolean => threadRefused.has(code)

import type { Message } from './messages.ts'
import { messageText, userName } from './plain-text.ts'

/** A channel as text: oldest first, the replies of a thread indented below what they reply to. */
export const transcript = (messages: readonly Message[]): string => {
  const known = new Set(messages.map((message) => message.ts))
  const isReply = ({ thread_ts, ts }: Message) =>
    thread_ts !== undefined && thread_ts !== ts && known.has(thread_ts)
  return messages
    .filter((message) => !isReply(message))
    .flatMap((parent) => [
      paragraph(parent, ''),
      ...messages
        .filter((message) => isReply(message) && message.thread_ts === parent.ts)
        .map((reply) => paragraph(reply, '    ')),
    ])
    .join('\n')
}

const paragraph = (message: Message, indent: string): string => {
  const at = new Date(Number(message.ts) * 1000).toISOString().slice(11, 19)
  const edited = message.edited ? ' (edited)' : ''
  return [
    `${at} ${userName(message.user)}${edited}:`,
    ...messageText(message)
      .split('\n')
      .map((line) => `  ${line}`),
  ]
    .map((line) => `${indent}${line}`)
    .join('\n')
}

import type { Message } from '../slack/messages.ts'
import { messageText } from '../slack/plain-text.ts'
import { transcript } from '../slack/transcript.ts'
import { BadInput } from './bad-input.ts'
import type { Answer, Call } from './call.ts'
import { channelField, commanderField, dmChannel, memberField } from './slack-fields.ts'

/** How long to wait for an answer by response_url when the acknowledgement carried none. */
const LATE_ANSWER_MS = 5000

export const sendCommand: Call = {
  method: 'POST',
  path: '/slack',
  takes: ['as', 'text', 'command', 'channel'],
  does: 'Types a slash command as somebody, and prints the answer only they see.',
  example: { path: '/slack', fields: ['as=ana', "'text=grant orders-svc 2h because stuck orders'"] },
  answer: async ({ slack }, fields) => {
    const command = fields['command'] ?? '/access'
    if (!command.startsWith('/')) throw new BadInput(`A command starts with a slash: say command=/${command}`)
    const channel = channelField(fields['channel'] ?? 'general')
    const sent = await slack.sendCommand(commanderField(fields, 'as'), command, fields['text'] ?? '', channel)
    if (sent.failure !== undefined) return { text: sent.failure, json: { failure: sent.failure } }
    if (!sent.answer) await slack.waitForAnswer(sent.id, LATE_ANSWER_MS)
    const answers = slack.answersTo(sent.id)
    return { text: answers.map(messageText).join('\n\n') || '(no answer)', json: { id: sent.id, answers } }
  },
}

export const readChannel: Call = {
  method: 'GET',
  path: '/channel/{name}',
  does: 'Prints what everybody in a channel sees.',
  example: { path: '/channel/inc-orders' },
  answer: ({ slack }, fields) => messagesAnswer(slack.messagesIn(channelField(fields['name'] ?? ''))),
}

export const readDirectMessages: Call = {
  method: 'GET',
  path: '/dm/{who}',
  does: "Prints the bot's direct messages with somebody.",
  example: { path: '/dm/ana' },
  answer: ({ slack }, fields) => messagesAnswer(slack.messagesIn(dmChannel(memberField(fields, 'who')))),
}

export const readPrivate: Call = {
  method: 'GET',
  path: '/private/{who}',
  does: 'Prints every answer only somebody saw ("Only visible to you").',
  example: { path: '/private/ana' },
  answer: ({ slack }, fields) => messagesAnswer(slack.visibleOnlyTo(memberField(fields, 'who'))),
}

const messagesAnswer = (messages: readonly Message[]): Answer => ({
  text: transcript(messages) || 'No messages yet.',
  json: { messages },
})

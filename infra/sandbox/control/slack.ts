import { personNamed } from '../people.ts'
import type { Message } from '../slack/messages.ts'
import { messageText } from '../slack/plain-text.ts'
import { transcript } from '../slack/transcript.ts'
import { type Channel, channelNamed, dmWith, publicChannels } from '../slack/workspace.ts'
import { BadInput } from './bad-input.ts'
import type { Answer, Call, Fields } from './call.ts'
import { personField, textField } from './fields.ts'

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
    const sent = await slack.sendCommand(personField(fields, 'as'), command, fields['text'] ?? '', channel)
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
  answer: ({ slack }, fields) => messagesAnswer(slack.messagesIn(dmField(fields))),
}

export const readPrivate: Call = {
  method: 'GET',
  path: '/private/{who}',
  does: 'Prints every answer only somebody saw ("Only visible to you").',
  example: { path: '/private/ana' },
  answer: ({ slack }, fields) => messagesAnswer(slack.visibleOnlyTo(personField(fields, 'who'))),
}

const messagesAnswer = (messages: readonly Message[]): Answer => ({
  text: transcript(messages) || 'No messages yet.',
  json: { messages },
})

const channelField = (name: string): Channel => {
  const channel = channelNamed(name)
  if (channel) return channel
  const names = publicChannels.map((one) => one.name).join(', ')
  const mend = personNamed(name) ? `GET /dm/${name} has direct messages` : `the channels are ${names}`
  throw new BadInput(`There is no channel ${name}: ${mend}.`, 404)
}

const dmField = (fields: Fields): Channel => {
  const channel = dmWith(personField(fields, 'who').slack.user)
  if (!channel)
    throw new BadInput(`There are no direct messages with ${textField(fields, 'who', 'ana')}.`, 404)
  return channel
}

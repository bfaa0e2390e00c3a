import { buttonsOf } from '../slack/block-actions.ts'
import type { Member } from '../slack/members.ts'
import { messageText } from '../slack/plain-text.ts'
import type { Channel } from '../slack/workspace.ts'
import { BadInput } from './bad-input.ts'
import type { Call, Fields } from './call.ts'
import { textField } from './fields.ts'
import { channelField, dmChannel, memberField } from './slack-fields.ts'

/** How long to wait for what the bot does after its acknowledgement. */
const EFFECT_MS = 5000

export const click: Call = {
  method: 'POST',
  path: '/click',
  takes: ['as', 'button', 'where'],
  does:
    'Clicks a button as somebody, and prints the message as it is then. button= is what stands on it or its ' +
    'action_id, where= dm or a channel (left out: the newest message with such a button).',
  example: { path: '/click', fields: ['as=ana', 'button=Take'] },
  answer: async ({ slack }, fields) => {
    const person = memberField(fields, 'as')
    const button = textField(fields, 'button', 'Take')
    const where = placeField(fields, person)
    const message = slack.messageWithButton(person, where, button)
    if (!message) {
      const place = where === undefined ? '' : where.dmWith ? ' in direct messages' : ` in ${where.name}`
      throw new BadInput(`${person.name} sees no message with the button ${button}${place}.`, 404)
    }
    const clicked = await slack.click(person, message, button)
    if (clicked.failure !== undefined) return { text: clicked.failure, json: { failure: clicked.failure } }
    await slack.waitForEffect(clicked.id, message, EFFECT_MS)
    const now = slack.messageNow(message)
    const answers = slack.answersTo(clicked.id)
    const shown = now ? messageText(now) : '(the message is gone)'
    return {
      text: [shown, ...answers.map(messageText)].join('\n\n'),
      json: { id: clicked.id, message: now ?? null, answers, buttons: now ? labelsOf(now) : [] },
    }
  },
}

const labelsOf = (message: Parameters<typeof buttonsOf>[0]): readonly string[] =>
  buttonsOf(message).map(({ button }) => button.text.text)

const placeField = (fields: Fields, person: Member): Channel | undefined => {
  const where = fields['where']
  if (where === undefined) return undefined
  return where === 'dm' ? dmChannel(person) : channelField(where)
}

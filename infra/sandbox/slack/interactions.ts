import { blockActions, buttonNamed, type PlacedButton } from './block-actions.ts'
import type { Deliver, Forgery } from './delivery.ts'
import type { Member } from './members.ts'
import type { Message } from './messages.ts'
import type { Workspace } from './methods/method.ts'
import { parseReply } from './replies.ts'
import { keepAnswer, type Origin, type ResponseUrls } from './response-urls.ts'
import type { SignedRequest } from './signed-request.ts'
import { SlackError } from './slack-error.ts'
import { commandFields } from './slash-command.ts'
import { type Channel, publicChannels } from './workspace.ts'

export type CommandOutcome = {
  /** Names the command: `answersTo(id)`. */
  readonly id: string
  /** What came with the acknowledgement; later answers come by the response_url. */
  readonly answer?: Message
  /** What Slack tells the person when the bot did not acknowledge in time. */
  readonly failure?: string
}

export type ClickOptions = Forgery & {
  /** What the payload says in place of the button's own; with an `action_id` the button need not exist at all. */
  readonly forged?: { readonly action_id?: string; readonly block_id?: string; readonly value?: string }
}

export type ClickOutcome = {
  /** Names the click: `answersTo(id)`. */
  readonly id: string
  readonly message: Message
  /** The mark the person sees beside the button when the bot did not acknowledge with 200 within 3 s. */
  readonly failure?: string
  /** What went over HTTP, to `replay` it. */
  readonly request?: SignedRequest
}

export type InteractionOptions = {
  readonly workspace: Workspace
  readonly responseUrls: ResponseUrls
  readonly deliver: Deliver
  /** Base address of the stand-in. */
  readonly url: () => string
}

/** What people do in Slack that the bot hears of. */
export const createInteractions = ({ workspace, responseUrls, deliver, url }: InteractionOptions) => {
  const { messages, triggers } = workspace

  const visibleTo = (person: Member): readonly Message[] =>
    messages.all().filter((message) => {
      if (message.visibleTo !== undefined) return message.visibleTo === person.slack.user
      return isSeenBy(message.channel, person)
    })

  const messageWithButton = (person: Member, where: Channel | undefined, button: string) =>
    visibleTo(person).findLast(
      (message) => (where === undefined || message.channel === where.id) && buttonNamed(message, button),
    )

  return {
    messageWithButton,

    async sendCommand(
      person: Member,
      command: string,
      text: string,
      channel: Channel,
    ): Promise<CommandOutcome> {
      const { user } = person.slack
      const id = triggers.issue(user)
      const origin: Origin = { id, user, channel: channel.id }
      const responseUrl = `${url()}${responseUrls.open(origin)}`
      const fields = commandFields({ person, command, text, channel, responseUrl, triggerId: id })
      const { acknowledged } = await deliver('slash_commands', fields, fields)
      const failed = (error: string) => ({ id, failure: `${command} failed with the error "${error}"` })
      if (!acknowledged.ok) return failed(acknowledged.failure)
      if (acknowledged.body === '') return { id }
      try {
        const reply = acknowledged.isJson ? parseReply(acknowledged.body) : { text: acknowledged.body }
        const answer = keepAnswer(messages, origin, reply)
        return answer ? { id, answer } : { id }
      } catch (error) {
        if (!(error instanceof SlackError)) throw error
        return failed(error.code)
      }
    },

    async click(
      person: Member,
      where: Channel | Message | undefined,
      button: string,
      { forged, ...forgery }: ClickOptions = {},
    ): Promise<ClickOutcome> {
      const message = where && 'ts' in where ? where : messageWithButton(person, where, button)
      if (!message) throw new Error(`${person.name} sees no message with the button ${button}.`)
      const placed = forgedButton(buttonNamed(message, button), button, forged)
      if (!placed) throw new Error(`The message has no button ${button}.`)
      const { user } = person.slack
      const id = triggers.issue(user)
      const responseUrl = `${url()}${responseUrls.open({ id, user, channel: message.channel, clicked: message.ts })}`
      const actionTs = messages.nextTs()
      const payload = blockActions({ person, message, placed, actionTs, responseUrl, triggerId: id })
      const form = { payload: JSON.stringify(payload) }
      const { acknowledged, request } = await deliver('interactive', payload, form, forgery)
      return {
        id,
        message,
        ...(!acknowledged.ok && { failure: `[${placed.button.text.text}] ⚠ ${acknowledged.failure}` }),
        ...(request && { request }),
      }
    },
  }
}

/** Everybody is in the public channels; direct messages are seen by one person. */
const isSeenBy = (channel: string, person: Member): boolean =>
  publicChannels.some(({ id }) => id === channel) || channel === `D${person.slack.user.slice(1)}`

const forgedButton = (
  placed: PlacedButton | undefined,
  name: string,
  forged: ClickOptions['forged'],
): PlacedButton | undefined => {
  if (!forged) return placed
  if (!placed && forged.action_id === undefined) return undefined
  const { block_id, ...fields } = forged
  const button = placed?.button ?? { type: 'button', text: { type: 'plain_text', text: name } }
  return { block_id: block_id ?? placed?.block_id ?? 'forged', button: { ...button, ...fields } }
}

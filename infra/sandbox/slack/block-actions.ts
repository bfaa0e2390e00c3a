import type { Button } from './block-kit.ts'
import type { Member } from './members.ts'
import type { Message } from './messages.ts'
import { messageShape } from './methods/message-shape.ts'
import { VERIFICATION_TOKEN } from './slash-command.ts'
import { BOT, channelById, TEAM } from './workspace.ts'

export type PlacedButton = { readonly block_id: string; readonly button: Button }

/** The buttons of a message in the order they are read, each with the block it is in. */
export const buttonsOf = ({ blocks = [] }: Pick<Message, 'blocks'>): readonly PlacedButton[] =>
  blocks.flatMap((block) => {
    const elements =
      block.type === 'actions'
        ? block.elements
        : block.type === 'section' && block.accessory
          ? [block.accessory]
          : []
    return elements.flatMap((element) =>
      element.type === 'button' ? [{ block_id: block.block_id ?? '', button: element }] : [],
    )
  })

/** By its action_id, or by what stands on it. */
export const buttonNamed = (message: Pick<Message, 'blocks'>, name: string): PlacedButton | undefined =>
  buttonsOf(message).find(({ button }) => button.action_id === name || button.text.text === name)

export type Click = {
  readonly person: Member
  readonly message: Message
  readonly placed: PlacedButton
  readonly actionTs: string
  readonly responseUrl: string
  readonly triggerId: string
}

/** https://docs.slack.dev/reference/interaction-payloads/block_actions-payload; ephemeral messages are not in it. */
export const blockActions = ({ person, message, placed, actionTs, responseUrl, triggerId }: Click) => {
  const { button, block_id } = placed
  const { ts, channel, thread_ts, visibleTo } = message
  return {
    type: 'block_actions',
    user: { id: person.slack.user, username: person.name, name: person.name, team_id: person.slack.team },
    api_app_id: BOT.app,
    token: VERIFICATION_TOKEN,
    container: {
      type: 'message',
      message_ts: ts,
      channel_id: channel,
      is_ephemeral: visibleTo !== undefined,
      ...(thread_ts && { thread_ts }),
    },
    trigger_id: triggerId,
    team: { id: TEAM.id, domain: TEAM.domain },
    enterprise: null,
    is_enterprise_install: false,
    channel: { id: channel, name: channelById(channel)?.name ?? '' },
    ...(visibleTo === undefined && { message: messageShape(message) }),
    state: { values: {} },
    response_url: responseUrl,
    actions: [
      {
        action_id: button.action_id ?? '',
        block_id,
        text: { emoji: true, ...button.text },
        ...(button.value !== undefined && { value: button.value }),
        ...(button.style && { style: button.style }),
        type: 'button',
        action_ts: actionTs,
      },
    ],
  }
}

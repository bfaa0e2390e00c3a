import { type About, type AnyAction, buttonValue } from '../domain/button.ts'
import type { Principal } from '../domain/principal.ts'
import { cutMarkup } from './slack-text.ts'

/** A message as Slack takes it: `text` says everything, for screen readers and notifications. */
export type Rendered = { readonly text: string; readonly blocks?: readonly object[] }

type Button = {
  readonly action: AnyAction
  readonly text: string
  readonly style?: 'primary' | 'danger'
  /** Slack asks this once more. */
  readonly confirm?: string
}

/** Slack's limit of a section (https://docs.slack.dev/reference/block-kit/blocks/section-block). */
const longestSection = 3_000

/** A text with buttons about one grant or lock under it, which work for nobody but whom the message is to. */
export const withButtons = (
  text: string,
  about: About,
  to: Principal,
  buttons: readonly Button[],
): Rendered => ({
  text,
  blocks: [
    section(text),
    {
      type: 'actions',
      block_id: 'decide',
      elements: buttons.map(({ action, text: label, style, confirm }) => ({
        type: 'button',
        action_id: action,
        text: { type: 'plain_text', text: label },
        value: buttonValue(about, action, to),
        ...(style === undefined ? {} : { style }),
        ...(confirm === undefined ? {} : { confirm: dialog(confirm) }),
      })),
    },
  ],
})

/** https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object */
const dialog = (text: string): object => ({
  title: { type: 'plain_text', text: 'Are you sure?' },
  text: { type: 'plain_text', text },
  confirm: { type: 'plain_text', text: 'Yes' },
  deny: { type: 'plain_text', text: 'No' },
  style: 'danger',
})

/** A text where buttons were before. Blocks that are left out of an update would stay as they are. */
export const withoutButtons = (text: string): Rendered => ({ text, blocks: [section(text)] })

/** `verbatim`: nothing that others wrote becomes a link or a mention by itself. */
export const section = (text: string): object => ({
  type: 'section',
  text: { type: 'mrkdwn', text: cutMarkup(text, longestSection), verbatim: true },
})

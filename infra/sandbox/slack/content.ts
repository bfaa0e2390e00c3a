import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { type Block, blocksSchema, type Element, faultsOf } from './block-kit.ts'
import { SlackError } from './slack-error.ts'

/** Longer texts are cut, and posted all the same. */
const LONGEST_TEXT = 40_000
/** All texts of a message's blocks together: https://github.com/slackapi/bolt-js/issues/2509 */
const LONGEST_BLOCKS = 12_000

export type Content = { readonly text: string; readonly blocks?: Block[] }

/** The `text` and `blocks` of a message, or the error Slack gives for them. */
export const readContent = (args: Readonly<Record<string, unknown>>): Content => {
  const text = readText(args).slice(0, LONGEST_TEXT)
  const blocks = args.blocks === undefined ? undefined : readBlocks(args.blocks)
  if (text === '' && (blocks === undefined || blocks.length === 0)) throw new SlackError('no_text')
  return {
    text: text === '' ? "This content can't be displayed." : text,
    ...(blocks && { blocks }),
  }
}

const readText = (args: Readonly<Record<string, unknown>>): string => z.string().default('').parse(args.text)

/** https://api.slack.com/changelog/2018-04-truncating-really-long-messages */
export const truncationWarning = (args: Readonly<Record<string, unknown>>) =>
  readText(args).length > LONGEST_TEXT && {
    warning: 'message_truncated',
    response_metadata: {
      messages: [
        '[WARN] Your message was truncated but still posted. The `text` field accepts up to 40,000 characters.',
      ],
      warnings: ['message_truncated'],
    },
  }

const readBlocks = (given: unknown): Block[] => {
  if (!Array.isArray(given)) throw new SlackError('invalid_blocks_format')
  const read = blocksSchema.safeParse(given)
  if (!read.success) throw new SlackError('invalid_blocks', { faults: faultsOf('blocks', read.error) })
  if (textLength(read.data) > LONGEST_BLOCKS) throw new SlackError('msg_blocks_too_long')
  return read.data.map(withIds)
}

/** The length of every `text` in it, at whatever depth. */
const textLength = (value: unknown): number => {
  if (Array.isArray(value)) return value.reduce((sum: number, one) => sum + textLength(one), 0)
  if (typeof value !== 'object' || value === null) return 0
  return Object.entries(value).reduce(
    (sum, [key, one]) => sum + (key === 'text' && typeof one === 'string' ? one.length : textLength(one)),
    0,
  )
}

const newId = (): string => randomBytes(4).toString('base64url')

/** Slack names the blocks and elements that the sender did not; clicks refer to these names. */
export const withIds = (block: Block): Block => {
  const block_id = block.block_id ?? newId()
  if (block.type === 'actions') return { ...block, block_id, elements: block.elements.map(withActionId) }
  if (block.type === 'section' && block.accessory && block.accessory.type !== 'image') {
    return { ...block, block_id, accessory: withActionId(block.accessory) }
  }
  return { ...block, block_id }
}

const withActionId = <T extends Element>(element: T): T => ({
  ...element,
  action_id: element.action_id ?? newId(),
})

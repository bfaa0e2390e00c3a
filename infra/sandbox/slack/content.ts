import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { type Block, blocksSchema, faultsOf } from './block-kit.ts'
import { SlackError } from './slack-error.ts'

/** Slack silently cuts longer texts. */
const LONGEST_TEXT = 40_000

export type Content = { readonly text: string; readonly blocks?: Block[] }

/** The `text` and `blocks` of a message, or the error Slack gives for them. */
export const readContent = (args: Readonly<Record<string, unknown>>): Content => {
  const text = z.string().default('').parse(args.text).slice(0, LONGEST_TEXT)
  const blocks = args.blocks === undefined ? undefined : readBlocks(args.blocks)
  if (text === '' && (blocks === undefined || blocks.length === 0)) throw new SlackError('no_text')
  return {
    text: text === '' ? "This content can't be displayed." : text,
    ...(blocks && { blocks }),
  }
}

const readBlocks = (given: unknown): Block[] => {
  if (!Array.isArray(given)) throw new SlackError('invalid_blocks_format')
  const read = blocksSchema.safeParse(given)
  if (!read.success) throw new SlackError('invalid_blocks', faultsOf(read.error))
  // Slack names the blocks that the sender did not; clicks refer to these names.
  return read.data.map((block) => ({
    ...block,
    block_id: block.block_id ?? randomBytes(4).toString('base64url'),
  }))
}

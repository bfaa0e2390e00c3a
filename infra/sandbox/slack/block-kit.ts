import { z } from 'zod'

/** Slack's Block Kit as messages may hold it, with the lengths its reference states. */

export const characters = (longest: number) =>
  z
    .string()
    .min(1, 'must be more than 0 characters')
    .max(longest, `must be less than ${longest + 1} characters`)

export const itemsOf = <T extends z.ZodType>(item: T, most: number) =>
  z.array(item).min(1, 'no less than 1 items allowed').max(most, `no more than ${most} items allowed`)

export const plainText = (longest: number) =>
  z.strictObject({ type: z.literal('plain_text'), text: characters(longest), emoji: z.boolean().optional() })

const mrkdwn = (longest: number) =>
  z.strictObject({ type: z.literal('mrkdwn'), text: characters(longest), verbatim: z.boolean().optional() })

const anyText = (longest: number) => z.discriminatedUnion('type', [plainText(longest), mrkdwn(longest)])

const style = z.enum(['primary', 'danger']).optional()

const confirm = z.strictObject({
  title: plainText(100),
  text: anyText(300),
  confirm: plainText(30),
  deny: plainText(30),
  style,
})

const button = z.strictObject({
  type: z.literal('button'),
  text: plainText(75),
  action_id: characters(255).optional(),
  value: characters(2000).optional(),
  url: characters(3000).optional(),
  style,
  confirm: confirm.optional(),
  accessibility_label: characters(75).optional(),
})

const option = z.strictObject({
  text: anyText(75),
  value: characters(150),
  description: plainText(75).optional(),
})

export const select = z.strictObject({
  type: z.literal('static_select'),
  action_id: characters(255).optional(),
  placeholder: plainText(150).optional(),
  options: itemsOf(option, 100),
  initial_option: option.optional(),
  confirm: confirm.optional(),
})

const overflow = z.strictObject({
  type: z.literal('overflow'),
  action_id: characters(255).optional(),
  options: itemsOf(option, 5),
  confirm: confirm.optional(),
})

const image = z.strictObject({
  type: z.literal('image'),
  image_url: characters(3000).optional(),
  alt_text: characters(2000),
})

const element = z.discriminatedUnion('type', [button, select, overflow])
export const block_id = characters(255).optional()

const section = z
  .strictObject({
    type: z.literal('section'),
    block_id,
    text: anyText(3000).optional(),
    fields: itemsOf(anyText(2000), 10).optional(),
    accessory: z.discriminatedUnion('type', [button, select, overflow, image]).optional(),
    expand: z.boolean().optional(),
  })
  .refine(({ text, fields }) => text ?? fields, 'missing required field: text')

export const blockSchema = z.discriminatedUnion('type', [
  section,
  z.strictObject({ type: z.literal('header'), block_id, text: plainText(150) }),
  z.strictObject({ type: z.literal('divider'), block_id }),
  z.strictObject({
    type: z.literal('context'),
    block_id,
    elements: itemsOf(z.discriminatedUnion('type', [plainText(3000), mrkdwn(3000), image]), 10),
  }),
  z.strictObject({
    type: z.literal('actions'),
    block_id,
    elements: itemsOf(element, 25).refine(
      (elements) => allDifferent(elements.map((one) => one.action_id)),
      'action_id must be unique within its block',
    ),
  }),
  image.extend({ block_id, title: plainText(2000).optional() }),
  z.strictObject({ type: z.literal('markdown'), block_id, text: characters(12_000) }),
])

export const allDifferent = (ids: readonly (string | undefined)[]): boolean => {
  const named = ids.filter((id) => id !== undefined)
  return new Set(named).size === named.length
}

export const blocksSchema = z
  .array(blockSchema)
  .max(50, 'no more than 50 items allowed')
  .refine((blocks) => allDifferent(blocks.map((block) => block.block_id)), 'block_id must be unique')

export type Block = z.infer<typeof blockSchema>
export type TextObject = z.infer<ReturnType<typeof anyText>>
export type Element = z.infer<typeof element>
export type Button = z.infer<typeof button>

/** What is wrong, as Slack words it: the fault, and a JSON pointer to where it is below the argument. */
export const faultsOf = (argument: string, error: z.ZodError): readonly string[] =>
  error.issues.map(({ message, path }) => `${message} [json-pointer:/${[argument, ...path].join('/')}]`)

import { z } from 'zod'
import { allDifferent, block_id, blockSchema, characters, itemsOf, plainText, select } from './block-kit.ts'

/** Modals as views.open takes them: https://docs.slack.dev/reference/views/modal-views */

const textInput = z.strictObject({
  type: z.literal('plain_text_input'),
  action_id: characters(255).optional(),
  initial_value: z.string().max(3000, 'must be less than 3001 characters').optional(),
  multiline: z.boolean().optional(),
  min_length: z.int().min(0).max(3000).optional(),
  max_length: z.int().min(1).max(3000).optional(),
  focus_on_load: z.boolean().optional(),
  placeholder: plainText(150).optional(),
})

const radioButtons = z.strictObject({
  type: z.literal('radio_buttons'),
  action_id: characters(255).optional(),
  options: itemsOf(select.shape.options.element, 10),
  initial_option: select.shape.initial_option,
  focus_on_load: z.boolean().optional(),
})

const checkboxes = z.strictObject({
  type: z.literal('checkboxes'),
  action_id: characters(255).optional(),
  options: itemsOf(select.shape.options.element, 10),
  initial_options: itemsOf(select.shape.options.element, 10).optional(),
  focus_on_load: z.boolean().optional(),
})

const input = z.strictObject({
  type: z.literal('input'),
  block_id,
  label: plainText(2000),
  hint: plainText(2000).optional(),
  optional: z.boolean().optional(),
  dispatch_action: z.boolean().optional(),
  element: z.discriminatedUnion('type', [textInput, select, radioButtons, checkboxes]),
})

export const viewSchema = z
  .strictObject({
    type: z.literal('modal'),
    title: plainText(24),
    blocks: z
      .array(z.union([blockSchema, input]))
      .max(100, 'no more than 100 items allowed')
      .refine((blocks) => allDifferent(blocks.map((block) => block.block_id)), 'block_id must be unique'),
    submit: plainText(24).optional(),
    close: plainText(24).optional(),
    private_metadata: z.string().max(3000, 'must be less than 3001 characters').optional(),
    callback_id: z.string().max(255, 'must be less than 256 characters').optional(),
    external_id: z.string().max(255, 'must be less than 256 characters').optional(),
    clear_on_close: z.boolean().optional(),
    notify_on_close: z.boolean().optional(),
  })
  .refine(({ blocks, submit }) => submit ?? blocks.every(({ type }) => type !== 'input'), {
    message: 'missing required field: submit',
    path: ['submit'],
  })

export type View = z.infer<typeof viewSchema>
/** A modal somebody has open. */
export type OpenedView = View & { readonly id: string; readonly user: string }

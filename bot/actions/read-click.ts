import { z } from 'zod'
import { buttonActions, goActions, handOverActions, lockActions } from '#access/domain/button.ts'
import type { Click } from './run-click.ts'

/** https://docs.slack.dev/reference/interaction-payloads/block_actions-payload: only what is needed of it. */
const shape = z.object({
  type: z.literal('block_actions'),
  user: z.object({ id: z.string(), team_id: z.string().optional() }),
  team: z.object({ id: z.string() }).nullish(),
  channel: z.object({ id: z.string() }).optional(),
  actions: z
    .array(
      z.object({
        type: z.literal('button'),
        action_id: z.enum([...buttonActions, ...lockActions, ...goActions, ...handOverActions]),
        value: z.string(),
      }),
    )
    .length(1),
})

/** A click on one of our buttons, and the channel it came from; undefined for anything else. */
export const readClick = (
  body: unknown,
): { readonly click: Click; readonly channel: string | undefined } | undefined => {
  const parsed = shape.safeParse(body)
  const action = parsed.data?.actions[0]
  if (!parsed.success || action === undefined) return undefined
  const { user, team, channel } = parsed.data
  const home = team?.id ?? user.team_id ?? ''
  return {
    click: { action: action.action_id, value: action.value, team: user.team_id ?? home, home, user: user.id },
    channel: channel?.id,
  }
}
